import { assert, describe, it } from "@effect/vitest"
import { generationOf } from "@nxmesh/core/nginx/Generation"
import { type AgentId, DeploymentId } from "@nxmesh/protocol/Ids"
import { proxySettingsDefault } from "@nxmesh/protocol/model/VirtualHost"
import { Effect } from "effect"
import { Commands } from "../../src/command/Commands.ts"
import { ConfigEngine } from "../../src/config/ConfigEngine.ts"
import { Events } from "../../src/state/Events.ts"
import { Reads } from "../../src/state/Reads.ts"
import {
  removal,
  saveAgent,
  saveHost,
  saveOrganization,
  saveUpstream,
  saveWorkspace,
  submit,
  temporaryDirectory,
  tenant
} from "../state/TestMaster.ts"
import { agentId, certificateId, host, hostId, location, upstream, upstreamId, workspace } from "./Fixtures.ts"
import { engineLayer, hostDraft, onEngine, privateKey, saveCertificate } from "./TestEngine.ts"

const update = { mode: "update", if_match: null } as const

describe("ConfigEngine", () => {
  it.effect("answers a change as soon as its command is accepted", () =>
    onEngine(
      Effect.gen(function* () {
        const engine = yield* ConfigEngine
        yield* tenant
        const empty = yield* engine.bundle(agentId(1))
        assert.deepStrictEqual(empty.resources, [])
        assert.strictEqual(empty.generation, generationOf([]))
        const { index } = yield* submit(saveHost(1))
        const bundle = yield* engine.bundle(agentId(1))
        assert.deepStrictEqual(
          bundle.resources.map(({ key }) => key),
          ["template:default", `virtual_host:${hostId(1)}`]
        )
        assert.strictEqual(bundle.generation, generationOf(bundle.resources))
        assert.isAtLeast(yield* engine.index, index)
      })
    )
  )

  it.effect("says which agents are affected, once for each change", () =>
    onEngine(
      Effect.gen(function* () {
        const engine = yield* ConfigEngine
        yield* tenant
        yield* submit(saveAgent(2, { labels: { tier: "edge" } }))
        yield* engine.generation(agentId(1))
        yield* engine.generation(agentId(2))
        const heard: Array<ReadonlyArray<AgentId>> = []
        yield* engine.listen(({ agentIds }) => Effect.sync(() => heard.push([...agentIds].sort())))
        yield* submit(saveHost(1))
        yield* engine.index
        yield* submit(saveHost(2, { target_agents: { scope: "labels", match_labels: { tier: "edge" } } }))
        yield* engine.index
        yield* submit(saveHost(3, { enabled: false }))
        yield* engine.index
        yield* submit(saveAgent(1, { labels: { tier: "edge" } }, update))
        yield* engine.index
        assert.deepStrictEqual(heard, [[agentId(1), agentId(2)], [agentId(2)], [agentId(1)]])
      })
    )
  )

  it.effect("sends a delta against what the agent has, and everything when that is not known", () =>
    onEngine(
      Effect.gen(function* () {
        const engine = yield* ConfigEngine
        yield* tenant
        for (const number of [1, 2, 3, 4]) yield* submit(saveHost(number))
        const first = yield* engine.update(agentId(1), null)
        assert.strictEqual(first._tag, "Full")
        const have = yield* engine.generation(agentId(1))
        yield* submit(saveHost(1, { gzip_enabled: true }, update))
        const second = yield* engine.update(agentId(1), have)
        assert.strictEqual(second._tag, "Delta")
        if (second._tag !== "Delta") return
        assert.strictEqual(second.base, have)
        assert.deepStrictEqual(
          second.put.map(({ key }) => key),
          [`virtual_host:${hostId(1)}`]
        )
        assert.deepStrictEqual(second.removed, [])
        const nothing = yield* engine.update(agentId(1), second.generation)
        assert.deepStrictEqual(nothing, {
          _tag: "Delta",
          base: second.generation,
          generation: second.generation,
          put: [],
          removed: []
        })
        const unknown = yield* engine.update(agentId(1), generationOf([{ key: "a", checksum: "b" }]))
        assert.strictEqual(unknown._tag, "Full")
      })
    )
  )

  it.effect("opens a certificate's key for the bundle alone, and shows it in no preview", () =>
    onEngine(
      Effect.gen(function* () {
        const engine = yield* ConfigEngine
        yield* tenant
        yield* submit(yield* saveCertificate(1))
        yield* submit(saveHost(1, { listen_port: 443, ssl_enabled: true, ssl_certificate_id: certificateId(1) }))
        const bundle = yield* engine.bundle(agentId(1))
        const certificate = bundle.resources.find(({ _tag }) => _tag === "certificate")
        assert.strictEqual(certificate?._tag === "certificate" && certificate.data.private_key_pem, privateKey)
        const preview = yield* engine.preview(agentId(1), [])
        assert.strictEqual(preview.generation, bundle.generation)
        assert.notInclude(JSON.stringify(preview), "planted")
        assert.isTrue(preview.files.some(({ path }) => path.endsWith(".key")))
      })
    )
  )

  it.effect("says which certificate's key it cannot open", () =>
    onEngine(
      Effect.gen(function* () {
        const engine = yield* ConfigEngine
        yield* tenant
        const saved = yield* saveCertificate(1)
        const { private_key } = saved.certificate
        const damaged = { ...private_key, ciphertext: private_key.wrapped_key }
        yield* submit({ ...saved, certificate: { ...saved.certificate, private_key: damaged } })
        yield* submit(saveHost(1, { listen_port: 443, ssl_enabled: true, ssl_certificate_id: certificateId(1) }))
        const error = yield* Effect.flip(engine.bundle(agentId(1)))
        assert.strictEqual(error.reason._tag, "KeyUnreadable")
        assert.include(error.message, "certificate-1")
      })
    )
  )

  it.effect("refuses an agent that does not exist", () =>
    onEngine(
      Effect.gen(function* () {
        const engine = yield* ConfigEngine
        const error = yield* Effect.flip(engine.generation(agentId(9)))
        assert.strictEqual(error._tag, "AgentNotFound")
      })
    )
  )

  it.effect("has after a restart the generations it had before", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const before = yield* Effect.gen(function* () {
        yield* tenant
        yield* submit(saveUpstream(1))
        yield* submit(
          saveHost(1, {
            locations: [location({ return: null, upstream_id: upstreamId(1), proxy: proxySettingsDefault })]
          })
        )
        return yield* (yield* ConfigEngine).generation(agentId(1))
      }).pipe(Effect.provide(engineLayer(directory)))
      const after = yield* Effect.flatMap(ConfigEngine, (engine) => engine.generation(agentId(1))).pipe(
        Effect.provide(engineLayer(directory))
      )
      assert.strictEqual(after, before)
    })
  )

  it.effect("starts over when the state was replaced, and says that every agent may be affected", () =>
    onEngine(
      Effect.gen(function* () {
        const engine = yield* ConfigEngine
        const events = yield* Events
        yield* tenant
        yield* submit(saveHost(1))
        const before = yield* engine.generation(agentId(1))
        const heard: Array<ReadonlyArray<AgentId>> = []
        yield* engine.listen(({ agentIds }) => Effect.sync(() => heard.push([...agentIds])))
        events.publishUnsafe([{ index: yield* engine.index, event: { _tag: "StateReset" } }])
        assert.strictEqual(yield* engine.generation(agentId(1)), before)
        assert.deepStrictEqual(heard, [[agentId(1)]])
      })
    )
  )

  it.effect("sees every write after it, however many come at once", () =>
    onEngine(
      Effect.gen(function* () {
        const engine = yield* ConfigEngine
        yield* tenant
        yield* Effect.forEach(
          Array.from({ length: 200 }, (_, index) => index + 1),
          (number) =>
            submit(saveHost(number)).pipe(
              Effect.andThen(engine.bundle(agentId(1))),
              Effect.map(({ resources }) =>
                assert.isTrue(resources.some(({ key }) => key === `virtual_host:${hostId(number)}`))
              )
            ),
          { concurrency: 32, discard: true }
        )
        const bundle = yield* engine.bundle(agentId(1))
        assert.lengthOf(bundle.resources, 201)
        assert.strictEqual(bundle.generation, generationOf(bundle.resources))
      })
    )
  )

  it.effect("keeps organizations apart", () =>
    onEngine(
      Effect.gen(function* () {
        const engine = yield* ConfigEngine
        yield* tenant
        yield* submit(saveOrganization(2))
        yield* submit(saveWorkspace(3, 2))
        yield* submit(saveAgent(3, { workspace_id: workspace(3) }))
        yield* submit(saveHost(1, { target_agents: { scope: "global" } }))
        assert.lengthOf((yield* engine.bundle(agentId(1))).resources, 2)
        assert.lengthOf((yield* engine.bundle(agentId(3))).resources, 0)
      })
    )
  )
})

describe("previews", () => {
  it.effect("shows drafts as nginx text, without saving them", () =>
    onEngine(
      Effect.gen(function* () {
        const engine = yield* ConfigEngine
        yield* tenant
        yield* submit(saveHost(1))
        const before = yield* engine.generation(agentId(1))
        const backend = { ...upstream(7, { name: "drafted" }) }
        const preview = yield* engine.preview(agentId(1), [
          { kind: "virtual_host", id: hostId(1), data: hostDraft(1, { server_name: "changed.example.com" }) },
          {
            kind: "virtual_host",
            id: null,
            data: hostDraft(2, { locations: [location({ return: null, proxy_pass: "http://drafted" })] })
          },
          { kind: "upstream", id: null, data: backend }
        ])
        const text = preview.files.map(({ content }) => content).join("\n")
        assert.include(text, "changed.example.com")
        assert.notInclude(text, "site-1.example.com")
        assert.include(text, "10.0.0.1:8080")
        assert.deepStrictEqual(preview.clashes, [])
        assert.notStrictEqual(preview.generation, before)
        assert.strictEqual(yield* engine.generation(agentId(1)), before)
      })
    )
  )

  it.effect("names clashes, and drafts that do not reach the agent", () =>
    onEngine(
      Effect.gen(function* () {
        const engine = yield* ConfigEngine
        yield* tenant
        yield* submit(saveHost(1))
        const preview = yield* engine.preview(agentId(1), [
          { kind: "virtual_host", id: null, data: hostDraft(2, { server_name: host(1).server_name }) },
          {
            kind: "virtual_host",
            id: null,
            data: hostDraft(3, { target_agents: { scope: "labels", match_labels: { tier: "edge" } } })
          }
        ])
        assert.deepStrictEqual(
          preview.clashes.map(({ field }) => field),
          ["server_name"]
        )
        assert.isTrue(preview.problems.some(({ resource }) => resource?.name === "host-3"))
      })
    )
  )

  it.effect("names a directive that nobody may write, and a template that does not render", () =>
    onEngine(
      Effect.gen(function* () {
        const engine = yield* ConfigEngine
        yield* tenant
        const forbidden = yield* engine.preview(agentId(1), [
          { kind: "virtual_host", id: null, data: hostDraft(1, { snippet: "include /etc/passwd;" }) }
        ])
        const problem = forbidden.problems.find(({ severity }) => severity === "error")
        assert.include(problem?.message, "include")
        assert.strictEqual(problem?.resource?.name, "host-1")
        const broken = yield* engine.preview(agentId(1), [
          { kind: "virtual_host", id: null, data: hostDraft(1, { template: "endless" }) },
          {
            kind: "template",
            id: null,
            data: { workspace_id: workspace(1), name: "endless", description: "", source: "{{> endless}}" }
          }
        ])
        assert.deepStrictEqual(broken.files, [])
        assert.isTrue(broken.problems.some(({ severity }) => severity === "error"))
      })
    )
  )

  it.effect("differs from what the agent serves now by the files that changed", () =>
    onEngine(
      Effect.gen(function* () {
        const engine = yield* ConfigEngine
        const commands = yield* Commands
        yield* tenant
        yield* submit(saveHost(1))
        yield* submit(saveHost(2))
        const serving = yield* engine.generation(agentId(1))
        yield* engine.bundle(agentId(1))
        yield* commands.submit({
          principal: { _tag: "System", component: "test" },
          command: {
            _tag: "RecordDeployments",
            outcomes: [
              {
                agent_id: agentId(1),
                outcome: {
                  id: DeploymentId.make(hostId(77)),
                  generation: serving,
                  status: "settled",
                  started_at: "2026-03-02T14:30:00.000Z",
                  finished_at: "2026-03-02T14:30:00.000Z",
                  serving_after_millis: 1,
                  settled_after_millis: 1,
                  serving_generation: serving,
                  warnings: [],
                  error: null
                }
              }
            ]
          }
        })
        assert.deepStrictEqual((yield* engine.preview(agentId(1), [])).changes, [])
        yield* submit(saveHost(2, { gzip_enabled: true }, update))
        const preview = yield* engine.preview(agentId(1), [])
        assert.strictEqual(preview.serving_generation, serving)
        assert.lengthOf(preview.changes, 1)
        assert.include(preview.changes[0]?.diff, "+    gzip on;")
      })
    )
  )
})

describe("differences of versions", () => {
  it.effect("are of the fields and of the nginx text", () =>
    onEngine(
      Effect.gen(function* () {
        const engine = yield* ConfigEngine
        const reads = yield* Reads
        yield* tenant
        yield* submit(saveHost(1))
        yield* submit(saveHost(1, { server_name: "new.example.com" }, update))
        const from = yield* reads.version("virtual_host", hostId(1), 1)
        const to = yield* reads.version("virtual_host", hostId(1), 2)
        assert.isDefined(from)
        assert.isDefined(to)
        const diff = yield* engine.versionDiff("virtual_host", from, to)
        assert.strictEqual(diff.from, 1)
        assert.strictEqual(diff.to, 2)
        const names = diff.changes.find(({ path }) => path === "/server_name")
        assert.deepStrictEqual(names, {
          path: "/server_name",
          operation: "replace",
          before: "site-1.example.com",
          after: "new.example.com"
        })
        assert.lengthOf(diff.rendered, 1)
        assert.include(diff.rendered[0]?.diff, "new.example.com")
      })
    )
  )

  it.effect("show a deleted host as text that is gone, and of a certificate no key", () =>
    onEngine(
      Effect.gen(function* () {
        const engine = yield* ConfigEngine
        const reads = yield* Reads
        yield* tenant
        yield* submit(yield* saveCertificate(1))
        yield* submit(saveHost(1))
        yield* submit({ _tag: "DeleteVirtualHost", id: hostId(1), ...removal() })
        const [made, gone] = [
          yield* reads.version("virtual_host", hostId(1), 1),
          yield* reads.version("virtual_host", hostId(1), 2)
        ]
        assert.isDefined(made)
        assert.isDefined(gone)
        const diff = yield* engine.versionDiff("virtual_host", made, gone)
        assert.isTrue(diff.rendered.some(({ operation }) => operation === "remove"))
        const certificate = yield* reads.version("certificate", certificateId(1), 1)
        assert.isDefined(certificate)
        const back = yield* engine.versionDiff("certificate", { ...certificate, data: null }, certificate)
        assert.isTrue(back.rendered.some(({ path }) => path.endsWith(".crt")))
        assert.notInclude(JSON.stringify(back), "ciphertext")
      })
    )
  )
})
