/** What the nginx here can do. Read again when another master runs: it may be another binary. */
import { Context, Effect, Layer } from "effect"
import { parseCapabilities } from "@nxmesh/core/nginx/Capabilities"
import type { NginxCapabilities } from "@nxmesh/protocol/model/Agent"
import * as NginxBinary from "./NginxBinary.ts"
import { NginxError } from "./NginxError.ts"
import { NginxInstance } from "./NginxInstance.ts"
import * as NginxProcess from "./NginxProcess.ts"

export class NginxFacts extends Context.Service<
  NginxFacts,
  {
    /** Of the running master's binary; of the configured one while none runs. */
    readonly capabilities: Effect.Effect<NginxCapabilities, NginxError>
  }
>()("@nxmesh/agent/nginx/NginxFacts") {
  static readonly layer = Layer.effect(
    NginxFacts,
    Effect.gen(function* () {
      const { binary, pidFile } = yield* NginxInstance
      let known: { readonly of: string; readonly capabilities: NginxCapabilities } | null = null

      const capabilities = Effect.gen(function* () {
        const master = yield* Effect.result(NginxProcess.find(pidFile))
        const [of, program] =
          master._tag === "Success"
            ? [`${master.success.pid} ${master.success.startTicks}`, master.success.executable]
            : [binary, binary]
        if (known?.of === of) return known.capabilities
        const found = parseCapabilities(yield* NginxBinary.version(program))
        if (found === null) {
          return yield* new NginxError({ reason: "command", message: `${program} -V does not answer as nginx does` })
        }
        known = { of, capabilities: found }
        return found
      })
      return NginxFacts.of({ capabilities })
    })
  )
}
