/**
 * Goal: what hostile texts render to is, in nginx's own reading, the tree of directives of their plain twins.
 * Method: many trials share one tree, each a virtual host or an upstream of its own; `nginx -T` prints what nginx read,
 * and a reader that shares nothing with the renderer compares it, file by file, with the twin.
 */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Result } from "effect"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { fileBlamed } from "@nxmesh/core/nginx/Culprit"
import { parseErrors } from "@nxmesh/core/nginx/ErrorLine"
import { render } from "@nxmesh/core/nginx/Render"
import type { RenderedTree } from "@nxmesh/core/nginx/Render"
import { certificate, renderInput } from "../../../packages/core/test/nginx/Fixtures.ts"
import type { Parts } from "../../../packages/core/test/nginx/Fixtures.ts"
import { HostileForm, HostileText } from "../../../packages/core/test/nginx/Hostile.ts"
import { isSnippet, trials } from "../../../packages/core/test/nginx/HostileTree.ts"
import type { Trial } from "../../../packages/core/test/nginx/HostileTree.ts"
import { freePort } from "../../support/FreePort.ts"
import { filesOfDump, outlineOf, readNginx } from "../../support/NginxSyntax.ts"
import { directory, realNginx } from "./RealNginx.ts"
import type { RealNginx } from "./RealNginx.ts"

interface Pair {
  readonly trial: Trial
  readonly hostile: Parts
  readonly plain: Parts
}

const merge = (parts: ReadonlyArray<Parts>, port: number): Parts => ({
  hosts: parts.flatMap(({ hosts = [] }) => hosts).map((host): VirtualHost => ({ ...host, listen_port: port })),
  upstreams: parts.flatMap(({ upstreams = [] }) => upstreams),
  certificates: [certificate(0xc0)]
})

const renderAll = (nginx: RealNginx, parts: ReadonlyArray<Parts>, port: number): RenderedTree => {
  const input = renderInput(merge(parts, port), { nginx: nginx.capabilities, layout: nginx.layout, directory })
  return Result.getOrThrow(render(input))
}

const idOf = ({ hostile }: Pair): string => hostile.hosts?.[0]?.id ?? hostile.upstreams?.[0]?.id ?? ""
const isRendered = (pair: Pair): boolean => Result.isSuccess(render(renderInput(pair.hostile)))

/** Outlines by resource id, of the files as nginx read them. */
const outlinesRead = (nginx: RealNginx, tree: RenderedTree) => {
  const { accepted, dump, errors } = nginx.read(tree)
  if (!accepted) return { refused: parseErrors(errors), outlines: null }
  const files = filesOfDump(dump)
  const root = `${nginx.layout.confDirectory}/${directory}`
  const entries = tree.files
    .filter(({ path, resource }) => resource !== null && path.endsWith(".conf"))
    .map(
      ({ path, resource }) => [resource?.id ?? "", outlineOf(readNginx(files.get(`${root}/${path}`) ?? ""))] as const
    )
  return { refused: [], outlines: new Map(entries) }
}

/** nginx may refuse what JavaScript accepted, such as an expression; then its error names the trial's own resource. */
const readLeavingOut = (nginx: RealNginx, pairs: ReadonlyArray<Pair>, port: number) => {
  const left = new Map(pairs.map((pair) => [idOf(pair), pair]))
  const refused: Array<{ readonly pair: Pair; readonly message: string }> = []
  for (;;) {
    const remaining = Array.from(left.values())
    const tree = renderAll(
      nginx,
      remaining.map(({ hostile }) => hostile),
      port
    )
    const read = outlinesRead(nginx, tree)
    if (read.outlines !== null) return { remaining, hostile: read.outlines, refused }
    const [error] = read.refused.filter(({ level }) => level === "emerg")
    const place = { directory: `${nginx.layout.confDirectory}/${directory}`, files: tree.files }
    const blamed = error === undefined ? null : fileBlamed(error, place)
    const culprit = left.get(blamed?.resource?.id ?? "")
    if (error === undefined || culprit === undefined) throw new Error(JSON.stringify(read.refused))
    refused.push({ pair: culprit, message: error.message })
    left.delete(idOf(culprit))
  }
}

describe("Hostile texts under real nginx", () => {
  it.live(
    "nginx reads the same directives as for plain texts, and what it refuses names the resource",
    () =>
      Effect.gen(function* () {
        const nginx = yield* realNginx
        const port = yield* freePort
        const samples = yield* Arbitrary.sampleEffect(
          Arbitrary.all([Arbitrary.schema(HostileForm), Arbitrary.schema(HostileText)]),
          {
            seed: 20_260_303,
            count: 150
          }
        )
        const pairs = samples
          .flatMap(([form, parts], at) => trials(form, parts.join(""), 0x1_0000 + at * 0x100))
          .flatMap((trial) => (Result.isFailure(trial.outcome) ? [] : [{ trial, ...trial.outcome.success }]))
          // Snippets hold directives by design; what they cannot do is shown beside the renderer, without nginx.
          .filter((pair) => !isSnippet(pair.trial.field) && isRendered(pair))
        assert.isAbove(pairs.length, 100, "the texts are so wild that nothing is tried")
        const { hostile, refused, remaining } = readLeavingOut(nginx, pairs, port)
        const plain = outlinesRead(
          nginx,
          renderAll(
            nginx,
            remaining.map((pair) => pair.plain),
            port
          )
        ).outlines
        assert.isNotNull(plain)
        for (const pair of remaining) {
          const { field, text } = pair.trial
          const read = hostile.get(idOf(pair))
          assert.isAbove(read?.length ?? 0, 0, `${field} is not in what nginx read`)
          assert.deepStrictEqual(read, plain.get(idOf(pair)), `${field} = ${JSON.stringify(text)}`)
        }
        for (const { message, pair } of refused) {
          const { field, text } = pair.trial
          assert.match(message, /pcre|regex/, `${field} = ${JSON.stringify(text)}: ${message}`)
        }
      }),
    { timeout: 60_000 }
  )
})
