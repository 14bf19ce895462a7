/**
 * An agent that kills itself: `node crash.ts ROOT PORT MOMENT RECORD [TAKEN-PORT]`. It serves "one", then applies "two" and dies by SIGKILL
 * at the moment given: before or after the journal holds the record, which is `Began`, `Ended` or the name of a step.
 */
import { Effect } from "effect"
import { kill, pid } from "node:process"
import type { JournalObserver } from "@nxmesh/agent/deploy/Journal"
import type { JournalRecord } from "@nxmesh/agent/deploy/JournalRecord"
import { deployingOn } from "./Deploying.ts"
import { instanceAt, site, Trees } from "./Instance.ts"

const [root = "", port = "", moment = "", record = "", takenPort = ""] = process.argv.slice(2)

const nameOf = (entry: JournalRecord): string => (entry._tag === "Stepped" ? entry.step : entry._tag)

let armed = false
const observe: JournalObserver = (at, entry) =>
  Effect.sync(() => {
    if (armed && at === moment && nameOf(entry) === record) kill(pid, "SIGKILL")
  })

const program = deployingOn(
  instanceAt(root),
  new Trees(),
  ({ apply }) =>
    Effect.gen(function* () {
      const first = yield* apply([site("a.test", Number(port), "one")])
      if (first.status !== "settled") throw new Error(JSON.stringify(first))
      armed = true
      const second = [site("a.test", Number(port), "two")]
      // A taken port fails the reload, so that the way back is walked.
      yield* apply(takenPort === "" ? second : [...second, site("b.test", Number(takenPort), "two")])
    }),
  observe
)
await Effect.runPromise(program)
