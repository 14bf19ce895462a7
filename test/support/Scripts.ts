/** Modules that tests start as processes of their own, many times: from a bundle, as the product's programs are. */
import { join } from "node:path"
import { bundleFolder, testBundles } from "../../cli/bundle/Bundle.ts"
import { root } from "../../cli/tooling/Checkout.ts"

const scripts = {
  agentThatKillsItself: "test/integration/agent/crash.ts",
  agentOnce: "test/integration/agent/once.ts",
  agentWithFaults: "test/integration/agent/faults/faulty.ts",
  agentInPod: "test/integration/sidecar/agentInPod.ts",
  agentThatStages: "test/integration/agent/stage.ts",
  raftMember: "test/integration/raft/Member.ts",
  masterUntilKilled: "packages/master/test/command/CrashChild.ts"
} as const

let folder: Promise<string> | undefined

/** The path of the module to start. */
export const script = async (name: keyof typeof scripts): Promise<string> =>
  join(await (folder ??= bundleFolder(testBundles, root, scripts, "tests")), `${name}.mjs`)
