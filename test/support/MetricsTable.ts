/** The metrics that docs/operating/metrics.md has a row for: what operators, rules and dashboards may count on. */
import { readFileSync } from "node:fs"
import { inCheckout } from "../../cli/tooling/Checkout.ts"

export const documentedMetrics = (): ReadonlySet<string> => {
  const page = readFileSync(inCheckout("docs", "operating", "metrics.md"), "utf8")
  return new Set([...page.matchAll(/^\| `(\w+)` \| (?:counter|gauge|histogram) \|/gm)].map(([, name = ""]) => name))
}

/** The metrics of an exposition text. */
export const exposedMetrics = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name = ""]) => name)
