import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { send } from "../support/Api.ts"
import { type CollectedSpan, startCollector } from "../support/Collector.ts"
import { converged, startAgent, startMaster, workspace } from "../support/Fleet.ts"
import { freePort } from "../support/FreePort.ts"
import { documentedMetrics, exposedMetrics } from "../support/MetricsTable.ts"
import { until } from "../support/Wait.ts"

const promtool = "/usr/bin/promtool"
const callersTrace = "0af7651916cd43dd8448eb211c80319c"

const collector = Effect.acquireRelease(
  Effect.promise(() => startCollector()),
  ({ close }) => Effect.promise(close)
)

/** The names from a span up to the beginning of its trace. */
const pathOf = (span: CollectedSpan, spans: ReadonlyArray<CollectedSpan>): ReadonlyArray<string> => {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId)
  return [span.name, ...(parent === undefined ? [] : pathOf(parent, spans))]
}

/** What happens to one change, in the order in which it begins. */
const journey = [
  "http.request",
  "Raft.propose",
  "Raft.commit",
  "State.apply",
  "AgentSession.deploy",
  "Agent.deploy",
  "Deployment.render",
  "Deployment.stage",
  "Deployment.test",
  "Deployment.swap",
  "Deployment.reload",
  "Deployment.prove",
  "Link.reportDeployments",
  "AgentSessions.reportDeployments",
  "OutcomeRecorder.record"
]

describe("A trace", () => {
  it.live("is one from the call through the log and the agent to the proof, and back into the log", () =>
    Effect.gen(function* () {
      const { spans, url } = yield* collector
      const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: url }
      const master = yield* startMaster(environment)
      const api = yield* master.admin
      const workspaceId = yield* workspace(api)
      const metricsPort = yield* freePort
      const agent = yield* startAgent(master, api, workspaceId, {
        environment: {
          ...environment,
          OTEL_TRACES_SAMPLER_ARG: "0",
          NXMESH_METRICS_ADDRESS: `127.0.0.1:${metricsPort}`
        }
      })
      yield* converged(api, agent.id)

      const answer = yield* api.request(
        "POST",
        "/api/v1/virtual-hosts",
        {
          workspace_id: workspaceId,
          name: "site",
          server_name: "site.example",
          listen_port: yield* freePort,
          locations: [{ path: "/", return: { status: 200, text: "hello" } }]
        },
        { traceparent: `00-${callersTrace}-b7ad6b7169203331-01` }
      )
      assert.strictEqual(answer.status, 201)
      assert.match(answer.headers.get("traceresponse") ?? "", new RegExp(`^00-${callersTrace}-[0-9a-f]{16}-01$`))
      const host = answer.body.data

      const ofChange = Effect.sync(() => spans.filter(({ traceId }) => traceId === callersTrace))
      const recorded = ({ attributes, name }: CollectedSpan) =>
        name === "State.apply" && attributes["nxmesh.command"] === "RecordDeployments"
      const trace = yield* until(
        ofChange,
        (seen) => seen.some(recorded) && seen.some(({ name }) => name === "Agent.deploy"),
        {
          fact: "the spans of the change are collected, until its outcome is in the state"
        }
      )
      const named = (name: string) => trace.find((span) => span.name === name)

      const begun = journey.map((name) => named(name)?.startNanos)
      assert.deepStrictEqual(
        journey.filter((_, position) => begun[position] === undefined),
        []
      )
      for (const [position, name] of journey.entries()) {
        if (name === "Raft.commit" || position === 0) continue // by the leader's clock, in milliseconds
        const before = journey[position - 1] === "Raft.commit" ? position - 2 : position - 1
        assert.isTrue((begun[before] ?? 0n) <= (begun[position] ?? 0n), `${name} begins after ${journey[before]}`)
      }

      const last = trace.find(recorded)
      assert.deepStrictEqual(last && pathOf(last, trace), [
        "State.apply",
        "Raft.propose",
        "Commands.submit",
        "OutcomeRecorder.record",
        "AgentSessions.reportDeployments",
        "Link.reportDeployments",
        ...pathOf(named("Agent.deploy") as CollectedSpan, trace)
      ])
      const up = pathOf(named("Agent.deploy") as CollectedSpan, trace)
      assert.deepStrictEqual(up.slice(0, 5), [
        "Agent.deploy",
        "AgentSession.deploy",
        "State.apply",
        "Raft.propose",
        "Commands.submit"
      ])
      assert.strictEqual(up.at(-1), "http.request")
      assert.include(pathOf(named("Deployment.prove") as CollectedSpan, trace), "Agent.deploy")

      const services = new Map(trace.map(({ name, service }) => [name, service]))
      assert.strictEqual(services.get("http.request"), "nxmesh-master")
      assert.strictEqual(services.get("Deployment.test"), "nxmesh-agent")
      const about = { "nxmesh.agent_id": agent.id, "nxmesh.config_id": host.id, "nxmesh.workspace_id": workspaceId }
      assert.deepInclude(named("AgentSession.deploy")?.attributes, about)
      assert.deepInclude(named("Agent.deploy")?.attributes, about)
      assert.isString(named("Agent.deploy")?.attributes["nxmesh.organization_id"])
      assert.deepInclude(named("http.request")?.attributes, {
        "http.route": "/api/v1/virtual-hosts",
        "http.response.status_code": 201
      })

      // What it says of the change, the logs of both say under the same id.
      const line = (text: string) => text.split("\n").find((each) => each.includes(callersTrace))
      assert.include(line(master.program().output()), '"message":"request"')
      assert.include(line(agent.program().output()), '"trace_id"')

      const metrics = yield* until(
        Effect.map(send(`${master.origin}/metrics`, "GET"), ({ body }) => String(body)),
        (text) => /^nxmesh_master_change_convergence_seconds_count [1-9]/m.test(text),
        { fact: "the change counts as served by all" }
      )
      if (existsSync(promtool)) execFileSync(promtool, ["check", "metrics"], { input: metrics })
      const ofAgent = String((yield* send(`http://127.0.0.1:${metricsPort}/metrics`, "GET")).body)
      const exposed = [...exposedMetrics(metrics), ...exposedMetrics(ofAgent)]
      const documented = documentedMetrics()
      assert.deepStrictEqual(
        exposed.filter((name) => !documented.has(name)),
        [],
        "a row in docs/operating/metrics.md is missing"
      )
      assert.sameMembers([...documented], [...new Set(exposed)])
      assert.match(metrics, /^nxmesh_master_spans_total\{result="exported"\} [1-9]/m)

      // By its ratio of zero the agent begins none, and every trace begins with something that happened.
      assert.deepStrictEqual(
        [
          ...new Set(
            spans
              .filter(({ parentSpanId, service }) => parentSpanId === undefined && service === "nxmesh-agent")
              .map(({ name }) => name)
          )
        ],
        []
      )
    })
  )
})
