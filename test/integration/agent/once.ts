/** An agent with the rights of whoever runs it: `node once.ts ROOT PORT` deploys twice and prints the statuses and the way it tests. */
import { Effect } from "effect"
import * as Validation from "@nxmesh/agent/nginx/Validation"
import { deployingOn } from "./Deploying.ts"
import { get, instanceAt, site, Trees } from "./Instance.ts"

const [root = "", port = ""] = process.argv.slice(2)

const program = deployingOn(instanceAt(root), new Trees(), ({ apply, supervisor }) =>
  Effect.gen(function* () {
    const good = yield* apply([site("a.test", Number(port), "one")])
    const bad = yield* apply([site("a.test", Number(port), "two", "    bogus on;\n")])
    const served = yield* get(Number(port), "a.test")
    yield* supervisor.stop
    return {
      statuses: [good.status, bad.status],
      error: bad.error,
      first: good.error,
      served,
      mode: yield* Validation.detectMode
    }
  })
)
process.stdout.write(JSON.stringify(await Effect.runPromise(program)))
