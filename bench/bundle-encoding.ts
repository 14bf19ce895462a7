/**
 * What it costs a master to put one bundle on the wire for agents with the same selection: by the RPC's own codec, which
 * encodes for each agent, and by the link's, which keeps the text.
 *
 *   npm run bench bundle-encoding -- --hosts 100,5000 --agents 50
 */
import { performance } from "node:perf_hooks"
import { parseArgs } from "node:util"
import { makeBundle } from "@nxmesh/core/nginx/Generation"
import { BundleTexts } from "@nxmesh/master/link/BundleTexts"
import { codecFor, frameText } from "@nxmesh/master/link/DirectiveCodec"
import { Limits } from "@nxmesh/master/Limits"
import { DeploymentId } from "@nxmesh/protocol/Ids"
import { Directive } from "@nxmesh/protocol/link/Directive"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import { Schema } from "effect"
import { RpcSerialization } from "effect/rpc"
import { RequestId } from "effect/rpc/RpcMessage"
import { host, uuid } from "../packages/master/test/config/Fixtures.ts"
import { millis, table } from "./Statistics.ts"

const { values } = parseArgs({
  options: { hosts: { type: "string", default: "100,1000,5000" }, agents: { type: "string", default: "50" } }
})
const agents = Number(values.agents)
const requestId = RequestId("1")

/** Milliseconds for the first agent, and for each of the others on average. */
const measure = (factory: RpcSerialization.CodecFor, bundle: Bundle) => {
  const encode = Schema.encodeUnknownSync(factory(Schema.NonEmptyArray(Directive)))
  const times = Array.from({ length: agents }, (_, agent) => {
    const directive: Directive = {
      _tag: "Deploy",
      order: { epoch: 0, index: 1 },
      deployment_id: DeploymentId.make(uuid(1, agent)),
      update: { _tag: "Full", bundle },
      reload_interval_seconds: 0
    }
    const started = performance.now()
    const encoded = encode([directive]) as [unknown, ...Array<unknown>]
    Buffer.from(frameText({ _tag: "Chunk", requestId, values: encoded }))
    return performance.now() - started
  })
  const [first = 0, ...others] = times
  return [first, others.reduce((sum, one) => sum + one, 0) / others.length]
}

const rows: Array<ReadonlyArray<string>> = [["hosts", "codec", "first agent", "each other"]]
for (const count of values.hosts.split(",").map(Number)) {
  const bundle = makeBundle(Array.from({ length: count }, (_, index) => ({ _tag: "virtual_host", data: host(index) })))
  const codecs = [
    ["RPC's own", RpcSerialization.json.codecFor],
    ["shared text", codecFor(new BundleTexts(Limits.link.bundleTextCharactersMax))]
  ] as const
  for (const [name, factory] of codecs) rows.push([String(count), name, ...measure(factory, bundle).map(millis)])
}
process.stdout.write(`${table(rows)}\n`)
