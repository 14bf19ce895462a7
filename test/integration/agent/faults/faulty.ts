/**
 * An agent whose changes of files are watched: `node faulty.ts ROOT PORT CALL [torn]`. It serves "one", then applies "two". It dies by
 * SIGKILL before its CALL-th change of a file, or with `torn` when half of that write is done; with CALL 0 it lives, and prints its
 * changes as JSON.
 */
import { Effect } from "effect"
import { appendFileSync } from "node:fs"
import { kill, pid } from "node:process"
import { deployingOn } from "../Deploying.ts"
import { instanceAt, site, Trees } from "../Instance.ts"
import { type FileCall, watchFileCalls } from "./FileCalls.ts"

const [root = "", port = "", call = "0", torn] = process.argv.slice(2)

let armed = false
let made = 0
const trace: Array<FileCall> = []

/** The first half of what the call writes, as a kernel that was interrupted leaves it. */
const tear = (one: FileCall) => {
  if (one.kind !== "write") return
  const bytes = Buffer.from(one.base64, "base64")
  appendFileSync(one.path, bytes.subarray(0, Math.floor(bytes.length / 2)))
}

await watchFileCalls(root, {
  before: (one) => {
    if (!armed) return
    made += 1
    if (made !== Number(call)) return
    armed = false
    if (torn !== undefined) tear(one)
    kill(pid, "SIGKILL")
  },
  after: (one) => {
    if (armed) trace.push(one)
  }
})

const program = deployingOn(instanceAt(root), new Trees(), ({ apply }) =>
  Effect.gen(function* () {
    const first = yield* apply([site("a.test", Number(port), "one"), site("c.test", Number(port), "kept")])
    if (first.status !== "settled") throw new Error(JSON.stringify(first))
    if (call === "0") process.stdout.write("armed\n")
    // Whoever listens may copy the disk as it is, and says when it has.
    if (call === "0") yield* Effect.promise(() => new Promise((resolve) => process.stdin.once("data", resolve)))
    armed = true
    const second = yield* apply([site("a.test", Number(port), "two"), site("c.test", Number(port), "kept")])
    armed = false
    if (second.status !== "settled") throw new Error(JSON.stringify(second))
  })
)
await Effect.runPromise(program)
process.stdout.write(`${JSON.stringify(trace)}\n`)
process.exit(0)
