import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdir } from "node:fs/promises"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import type { NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import * as Fixtures from "../../../packages/core/test/nginx/Fixtures.ts"
import { applyBundle, deploymentLayer, policy, selfSigned } from "./Bundles.ts"
import { freePort, get, temporaryInstance } from "./Instance.ts"

const name = (number: number) => `site-${number}.example.com`
const left = ({ quarantined = [] }: DeploymentOutcome) => quarantined.map(({ resource }) => resource?.name)
const why = ({ quarantined = [] }: DeploymentOutcome) => quarantined.map(({ message }) => message).join("\n")
const said = (outcome: DeploymentOutcome) => JSON.stringify(outcome)

/** Generation directories that are left, and nothing else beside the link. */
const directories = ({ confDirectory }: NginxInstanceSettings) =>
  Effect.promise(async () => (await readdir(confDirectory)).filter((one) => one !== "current"))

const isolating = <A, E, R>(
  body: (tools: {
    readonly port: number
    readonly instance: NginxInstanceSettings
    readonly host: (number: number, fields?: Parameters<typeof Fixtures.host>[1]) => ReturnType<typeof Fixtures.host>
  }) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function* () {
    const instance = yield* temporaryInstance
    const port = yield* freePort
    const host = (number: number, fields: Parameters<typeof Fixtures.host>[1] = {}) =>
      Fixtures.host(number, { listen_port: port, ...fields })
    return yield* body({ instance, port, host }).pipe(Effect.provide(deploymentLayer(instance)))
  })

describe("a resource that nginx refuses", () => {
  it.live("is left out and named where the policy says so, and the rest of the generation serves", () =>
    isolating(({ host, instance, port }) =>
      Effect.gen(function* () {
        yield* policy("isolate")
        const bad = host(2, { snippet: "no_such_directive on;" })
        const bundle = Fixtures.bundle({ hosts: [host(1), bad, host(3)] })
        const outcome = yield* applyBundle(bundle)
        assert.strictEqual(outcome.status, "settled", said(outcome))
        assert.strictEqual(outcome.generation, bundle.generation)
        assert.strictEqual(outcome.serving_generation, bundle.generation)
        assert.deepStrictEqual(left(outcome), ["site 2"])
        assert.match(why(outcome), /unknown directive "no_such_directive".*left out/)
        assert.match(outcome.quarantined?.[0]?.file ?? "", /^http\/20-host-site-2-/)
        assert.isAbove(outcome.quarantined?.[0]?.line ?? 0, 1)
        assert.strictEqual(yield* get(port, name(1)), "site 1")
        assert.strictEqual(yield* get(port, name(3)), "site 3")
        assert.isNull(yield* get(port, name(2)))
        assert.strictEqual((yield* directories(instance)).length, 2)
      })
    )
  )

  it.live("is found among many when nginx names no file, and named under either policy", () =>
    isolating(({ host, port }) =>
      Effect.gen(function* () {
        const hosts = Array.from({ length: 12 }, (_, index) => host(index + 1))
        yield* applyBundle(Fixtures.bundle({ hosts: hosts.slice(0, 1) }))
        // nginx says: unknown "nobody_sets_it" variable.
        const bad = host(7, { snippet: "add_header X-Tenant $nobody_sets_it;" })
        const bundle = Fixtures.bundle({ hosts: hosts.with(6, bad) })
        const refused = yield* applyBundle(bundle)
        assert.strictEqual(refused.status, "failed")
        assert.strictEqual(refused.error?.resource?.id, bad.id, said(refused))
        assert.include(refused.error?.message, "nobody_sets_it")
        assert.strictEqual(yield* get(port, name(1)), "site 1")
        yield* policy("isolate")
        const outcome = yield* applyBundle(bundle)
        assert.strictEqual(outcome.status, "settled", said(outcome))
        assert.deepStrictEqual(left(outcome), ["site 7"])
        assert.strictEqual(yield* get(port, name(12)), "site 12")
      })
    )
  )

  it.live("serves on as it was before, also after a restart and at the next change", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const port = yield* freePort
      const host = (number: number, fields: Parameters<typeof Fixtures.host>[1] = {}) =>
        Fixtures.host(number, { listen_port: port, ...fields })
      const bad = host(2, { snippet: "no_such_directive on;", locations: [Fixtures.answering("changed")] })
      const first = Fixtures.bundle({ hosts: [host(1), bad] })
      yield* Effect.gen(function* () {
        yield* policy("isolate")
        yield* applyBundle(Fixtures.bundle({ hosts: [host(1), host(2)] }))
        const outcome = yield* applyBundle(first)
        assert.strictEqual(outcome.status, "settled", said(outcome))
        assert.match(why(outcome), /served before serves on/)
        assert.strictEqual(yield* get(port, name(2)), "site 2")
      }).pipe(Effect.provide(deploymentLayer(instance)))
      yield* Effect.gen(function* () {
        // The same generation again: nothing to do, and it is still not whole.
        const again = yield* applyBundle(first)
        assert.deepStrictEqual(left(again), ["site 2"])
        const forced = yield* applyBundle(first, { force: true })
        assert.strictEqual(forced.status, "settled", said(forced))
        assert.deepStrictEqual(left(forced), ["site 2"])
        const next = yield* applyBundle(Fixtures.bundle({ hosts: [host(1), bad, host(3)] }))
        assert.strictEqual(next.status, "settled", said(next))
        assert.deepStrictEqual(left(next), ["site 2"])
        assert.strictEqual(yield* get(port, name(2)), "site 2")
        assert.strictEqual(yield* get(port, name(3)), "site 3")
        const mended = yield* applyBundle(
          Fixtures.bundle({ hosts: [host(1), host(2, { locations: [Fixtures.answering("mended")] }), host(3)] })
        )
        assert.isUndefined(mended.quarantined)
        assert.strictEqual(yield* get(port, name(2)), "mended")
      }).pipe(Effect.provide(deploymentLayer(instance)))
    })
  )

  it.live("comes alive by itself once what it clashed with is gone", () =>
    isolating(({ host, port }) =>
      Effect.gen(function* () {
        yield* policy("isolate")
        const twin = host(2, { server_name: name(1), locations: [Fixtures.answering("twin")] })
        const both = yield* applyBundle(Fixtures.bundle({ hosts: [host(1), twin] }))
        assert.strictEqual(both.status, "settled", said(both))
        assert.deepStrictEqual(left(both), ["site 2"])
        assert.include(why(both), "conflicting server name")
        assert.strictEqual(yield* get(port, name(1)), "site 1")
        const alone = yield* applyBundle(Fixtures.bundle({ hosts: [twin] }))
        assert.isUndefined(alone.quarantined, said(alone))
        assert.strictEqual(yield* get(port, name(1)), "twin")
      })
    )
  )

  it.live("takes the hosts with it that need it: a certificate whose key is another one's", () =>
    isolating(({ host, port }) =>
      Effect.gen(function* () {
        yield* policy("isolate")
        const tlsPort = yield* freePort
        const one = yield* selfSigned("one.test")
        const other = yield* selfSigned("other.test")
        const wrong = Fixtures.certificate(9, { ...one, private_key_pem: other.private_key_pem })
        const secure = host(2, { listen_port: tlsPort, ssl_enabled: true, ssl_certificate_id: wrong.id })
        const bundle = Fixtures.bundle({ hosts: [host(1), secure], certificates: [wrong] })
        const outcome = yield* applyBundle(bundle)
        assert.strictEqual(outcome.status, "settled", said(outcome))
        assert.sameMembers(left(outcome), ["certificate 9", "site 2"])
        assert.include(why(outcome), "key values mismatch")
        assert.include(why(outcome), 'needs certificate "certificate 9"')
        assert.notInclude(said(outcome), "PRIVATE KEY")
        assert.strictEqual(yield* get(port, name(1)), "site 1")
      })
    )
  )

  it.live("is left out beside others that are refused for other reasons: by the renderer, by name, and by nobody", () =>
    isolating(({ host, port }) =>
      Effect.gen(function* () {
        yield* policy("isolate")
        const hosts = [
          host(1),
          host(2, { snippet: "include /etc/passwd;" }),
          host(3, { snippet: "client_max_body_size 5 m;" }),
          host(4, { snippet: "limit_req zone=nobody_made_it;" }),
          host(5, { snippet: "proxy_cache nobody_made_it;" }),
          host(6)
        ]
        const outcome = yield* applyBundle(Fixtures.bundle({ hosts }))
        assert.strictEqual(outcome.status, "settled", said(outcome))
        assert.sameMembers(left(outcome), ["site 2", "site 3", "site 4", "site 5"])
        assert.strictEqual(yield* get(port, name(1)), "site 1")
        assert.strictEqual(yield* get(port, name(6)), "site 6")
      })
    )
  )

  it.live("is never all there is: a generation with nothing else fails, and what served serves on", () =>
    isolating(({ host, port }) =>
      Effect.gen(function* () {
        yield* policy("isolate")
        yield* applyBundle(Fixtures.bundle({ hosts: [host(1)] }))
        const outcome = yield* applyBundle(Fixtures.bundle({ hosts: [host(2, { snippet: "no_such_directive on;" })] }))
        assert.strictEqual(outcome.status, "failed", said(outcome))
        assert.include(outcome.error?.message, "nothing would be left")
        assert.strictEqual(outcome.error?.resource?.name, "site 2")
        assert.strictEqual(yield* get(port, name(1)), "site 1")
      })
    )
  )
})
