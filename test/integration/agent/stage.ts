/** Stages a tree of N files in DIRECTORY, from PREVIOUS when given, and swaps it: `node stage.ts DIRECTORY N [PREVIOUS]`. Run under strace. */
import { Effect } from "effect"
import * as GenerationDirectory from "@nxmesh/agent/deploy/GenerationDirectory"

const [directory = "", count = "1", previous = ""] = process.argv.slice(2)
const name = previous === "" ? "20260302143000-000001" : "20260302143000-000002"
const files = Array.from({ length: Number(count) }, (_, index) => ({
  path: `http/20-host-${index}.conf`,
  content: index === 0 && previous !== "" ? "# changed\n" : `# host ${index}\n`,
  mode: 0o644 as const,
  resource: null
}))

await Effect.runPromise(
  Effect.andThen(
    GenerationDirectory.stage(directory, name, previous === "" ? null : previous, files),
    GenerationDirectory.swap(directory, name)
  )
)
