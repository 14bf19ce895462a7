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
      const instance = yield* NginxInstance
      const { binary, pidFile } = instance
      let known: { readonly of: string; readonly capabilities: NginxCapabilities } | null = null

      const capabilities = Effect.gen(function* () {
        const master = yield* Effect.result(NginxProcess.find(pidFile))
        // A container that is being started again will most likely run what it ran.
        if (master._tag === "Failure" && instance.sidecar === true) {
          return known === null ? yield* master.failure : known.capabilities
        }
        const [of, nginx] =
          master._tag === "Success"
            ? [`${master.success.pid} ${master.success.startTicks}`, master.success]
            : [binary, { executable: binary, arguments: NginxProcess.parseArguments("") }]
        if (known?.of === of) return known.capabilities
        const found = parseCapabilities(yield* NginxBinary.version(instance, nginx))
        if (found === null) {
          const message = `${nginx.executable} -V does not answer as nginx does`
          return yield* new NginxError({ reason: "command", message })
        }
        known = { of, capabilities: found }
        return found
      })
      return NginxFacts.of({ capabilities })
    })
  )
}
