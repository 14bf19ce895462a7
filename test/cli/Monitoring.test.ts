/** docker/prometheus and docker/grafana: what Prometheus' own tool says of them, and that they ask for what there is. */
import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { parseDocument } from "yaml"
import { variableOf } from "@nxmesh/core/settings/Definition"
import { definitions as ofAgent } from "@nxmesh/agent/Settings"
import { definitions as ofMaster } from "@nxmesh/master/Settings"
import { inCheckout } from "../../cli/tooling/Checkout.ts"
import { documentedMetrics } from "../support/MetricsTable.ts"

const folder = inCheckout("docker")
const text = (path: string) => readFileSync(`${folder}/${path}`, "utf8")
// oxlint-disable-next-line typescript/no-explicit-any -- a test reads whatever is there
const yaml = (path: string): any => parseDocument(text(path)).toJS()

const promtool = "/usr/bin/promtool"
const recording = "prometheus/rules/recording.yml"
const alerting = "prometheus/rules/alerting.yml"
const alertTests = "prometheus/tests/alerting_test.yml"
const dashboard = "grafana/dashboards/nxmesh.json"

interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly labels?: { readonly severity?: string }
  readonly annotations?: { readonly summary?: string; readonly description?: string }
}

const rulesOf = (path: string): ReadonlyArray<Rule> => yaml(path).groups.flatMap(({ rules }: any) => rules)

/** Names in a query; a histogram's series count as the histogram. */
const namesIn = (query: string, known: ReadonlySet<string>): ReadonlyArray<string> =>
  [...query.replaceAll(/"[^"]*"/g, "").matchAll(/\b(?:nxmesh|nodejs|process)[\w:]*/g)].map(([name]) => {
    const base = name.replace(/_(bucket|sum|count)$/, "")
    return known.has(name) ? name : base
  })

describe("docker/prometheus", () => {
  it("is what Prometheus takes, and each alert fires when it should and not before", { timeout: 60_000 }, () => {
    if (!existsSync(promtool)) return
    const run = (...words: ReadonlyArray<string>) => execFileSync(promtool, words, { cwd: folder, stdio: "pipe" })
    run("check", "config", "prometheus/prometheus.yml")
    run("check", "rules", recording, alerting)
    run("test", "rules", alertTests)
  })

  it("tests every alert, and says of each how bad it is, what it means and what to do", () => {
    const tested = new Set(yaml(alertTests).tests.map(({ name }: any) => name))
    for (const { alert = "", annotations, labels } of rulesOf(alerting)) {
      assert.isTrue(tested.has(alert), alert)
      assert.include(["page", "ticket"], labels?.severity, alert)
      assert.isString(annotations?.summary, alert)
      assert.isString(annotations?.description, alert)
    }
  })
})

describe("rules and the dashboard", () => {
  const recorded = rulesOf(recording).flatMap(({ record }) => record ?? [])
  const known = new Set([...documentedMetrics(), ...recorded])
  const queries = [
    ...[...rulesOf(recording), ...rulesOf(alerting)].map(({ expr }) => expr),
    ...yaml(dashboard).panels.flatMap(({ targets = [] }: any) => targets.map(({ expr }: any) => expr as string)),
    ...yaml(alertTests).tests.flatMap(({ input_series }: any) =>
      input_series.map(({ series }: any) => series as string)
    )
  ]

  it("ask for metrics that docs/operating/metrics.md has", () => {
    assert.isAbove(queries.length, 100)
    const unknown = queries.flatMap((query) => namesIn(query, known)).filter((name) => !known.has(name))
    assert.deepStrictEqual([...new Set(unknown)], [])
  })

  it("find a metric that there is not", () => {
    assert.deepStrictEqual(
      namesIn("sum(rate(nxmesh_master_nothing_total[5m]))", known).filter((name) => !known.has(name)),
      ["nxmesh_master_nothing_total"]
    )
  })
})

describe("compose.observe.yaml", () => {
  const { services, volumes } = yaml("compose.observe.yaml")

  it("adds to services of compose.yaml only what their programs know", () => {
    const known = {
      master: new Set(Object.values(ofMaster).map(variableOf)),
      agent: new Set(Object.values(ofAgent).map(variableOf))
    }
    for (const program of ["master", "agent"] as const) {
      assert.property(yaml("compose.yaml").services, program)
      for (const name of Object.keys(services[program].environment)) assert.isTrue(known[program].has(name), name)
    }
  })

  it("mounts files that are there and volumes that it has", () => {
    for (const { volumes: mounts = [] } of Object.values<any>(services)) {
      for (const mount of mounts as ReadonlyArray<string>) {
        const [from = ""] = mount.split(":")
        if (from.startsWith(".")) assert.isTrue(existsSync(`${folder}/${from}`), mount)
        else assert.property(volumes, from)
      }
    }
  })
})
