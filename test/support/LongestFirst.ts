import { BaseSequencer } from "vitest/node"
import type { TestSpecification } from "vitest/node"

/** Files that take far longer than others of their project: begun last, they would keep one processor idle. */
const longest = [
  "packages/raft/test/storage/PlantedBugs.test.ts",
  "packages/master/test/command/Crash.test.ts",
  "packages/master/test/recovery/Recover.test.ts",
  "packages/master/test/FirstStart.test.ts",
  "packages/master/test/state/replica/RaftNodes.test.ts",
  "packages/raft/test/node/thread/RaftNode.test.ts",
  "test/integration/raft/Stalls.test.ts",
  "test/integration/agent/Crash.test.ts",
  "test/chaos/Upgrade.test.ts"
]

const rank = ({ moduleId }: TestSpecification): number => {
  const found = longest.findIndex((path) => moduleId.endsWith(path))
  return found < 0 ? longest.length : found
}

/** vitest knows how long a file took when it has run here before; a fresh checkout has never run. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}
