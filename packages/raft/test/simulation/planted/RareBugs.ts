import type { PlantedBug } from "./PlantedBug.ts"

/** These need rarer circumstances than 200 seeds reliably make. Each fails tests in test/core or test/node; here they are kept in step with the sources. */
export const rareBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "entries of an old term are committed by counting (thesis figure 3.7)",
    file: "core/Commit.ts",
    find: " || termAt(state.log, index) !== state.term",
    replace: ""
  },
  {
    name: "a follower commits what it was not told to match",
    file: "core/Follower.ts",
    find: "Math.max(state.commit, Math.min(message.commit, last))",
    replace: "Math.max(state.commit, Math.min(message.commit, lastIndex(state.log)))"
  },
  {
    name: "members change before the leader committed an entry of its term",
    file: "core/Membership.ts",
    find: 'return state.commit < state.termStart ? "ConfigurationBeforeTermCommit" : null',
    replace: "return null"
  },
  {
    name: "a node's command of an expired session is proposed again though it may have been executed",
    file: "node/Proposals.ts",
    find: "const isCertain = proposal.attempts === 1 && ",
    replace: "const isCertain = "
  },
  {
    name: "members change while another change is under way",
    file: "core/Membership.ts",
    find: 'if (latest(state.configurations).index > state.commit) return "ConfigurationInProgress"',
    replace: ""
  }
]
