import type { PlantedBug } from "./PlantedBug.ts"

/** Ways to break Raft's core that the literature, or someone's production, has seen. Each is caught within 200 seeds. */
export const coreBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "a vote is told before it is durable",
    file: "core/Election.ts",
    find: 'sendAfterPersist(turn, { _tag: "VoteResponse"',
    replace: 'send(turn, { _tag: "VoteResponse"'
  },
  {
    name: "a node votes twice in a term",
    file: "core/Election.ts",
    find: "const isFree = state.vote === message.from || (state.vote === null && state.leader === null)",
    replace: "const isFree = true"
  },
  {
    name: "a vote looks at the length of the log alone",
    file: "core/Log.ts",
    find: "term > lastTerm(log) || (term === lastTerm(log) && index >= lastIndex(log))",
    replace: "index >= lastIndex(log) || term > lastTerm(log) + 1_000_000"
  },
  {
    name: "a new leader answers reads before the first commit of its term",
    file: "core/ReadIndex.ts",
    find: "} else if (state.commit < state.termStart) {",
    replace: "} else if (state.commit < 0) {"
  },
  {
    name: "the consistency check looks at the entry before the right one",
    file: "core/Follower.ts",
    find: "if (termAt(state.log, previousIndex) !== previousTerm) {",
    replace: "if (previousIndex > lastIndex(state.log)) {"
  },
  {
    name: "a leader counts its own entries before they are durable",
    file: "core/Commit.ts",
    find: "id === state.id ? state.persisted :",
    replace: "id === state.id ? state.log.baseIndex + state.log.length :"
  },
  {
    name: "a follower confirms entries before they are durable",
    file: "core/Follower.ts",
    find: 'sendAfterPersist(turn, { _tag: "AppendAccepted", to, index: last })',
    replace: 'send(turn, { _tag: "AppendAccepted", to, index: last })'
  },
  {
    name: "a configuration takes effect when it is committed",
    file: "core/Turn.ts",
    find: "export const configurationIn = ({ state }: Turn): Configuration => latest(state.configurations).configuration",
    replace:
      "export const configurationIn = ({ state }: Turn): Configuration =>\n" +
      "  (state.configurations.findLast(({ index }) => index <= state.commit) ?? latest(state.configurations)).configuration"
  },
  {
    name: "a majority is half",
    file: "core/Quorum.ts",
    find: "return sorted[Math.floor(voters.length / 2)] ?? 0",
    replace: "return sorted[Math.floor((voters.length - 1) / 2)] ?? 0"
  },
  {
    name: "entries are handed to the state machine before they are committed",
    file: "core/Durability.ts",
    find: "const end = Math.min(state.commit, state.persisted)",
    replace: "const end = state.persisted"
  },
  {
    name: "an append drops entries that match, with what follows them",
    file: "core/Follower.ts",
    find: "const firstNew = entries.findIndex((entry) => entryAt(state.log, entry.index)?.term !== entry.term)",
    replace: "const firstNew = entries.length > 0 ? 0 * (entryAt(state.log, 1)?.term ?? 0) : -1"
  },
  {
    name: "the end of a write makes other entries at its indexes count as durable",
    caughtBy: 12,
    file: "core/Turn.ts",
    find: "last: Math.min(write.last, from - 1)",
    replace: "last: write.last"
  },
  {
    name: "a configuration stays when its entry is truncated",
    caughtBy: 19,
    file: "core/Turn.ts",
    find: "state.configurations = withoutFrom(state.configurations, from)",
    replace: "withoutFrom(state.configurations, from)"
  },
  {
    name: "a joint configuration commits with the new majority alone",
    caughtBy: 139,
    file: "core/Quorum.ts",
    find: "return Math.min(majorityReached(voters, reached), majorityReached(outgoing, reached))",
    replace: "return majorityReached(voters, reached)"
  },
  {
    name: "a received snapshot leaves the configuration as it was",
    caughtBy: 44,
    file: "core/SnapshotReceiver.ts",
    find: "state.configurations = [{ index, configuration }]",
    replace:
      "state.configurations = [{ index, configuration: state.configurations[0]?.configuration ?? configuration }]"
  },
  {
    name: "a joint configuration elects with the new majority alone",
    caughtBy: 78,
    file: "core/Quorum.ts",
    find: 'return incoming === "Won" && outgoing === "Won" ? "Won" : "Pending"',
    replace: "return incoming"
  },
  {
    name: "a heartbeat that left before a read confirms it",
    caughtBy: 12,
    file: "core/ReadIndex.ts",
    find: "index: state.commit, round: state.reads.round + 1 }",
    replace: "index: state.commit, round: state.reads.round }"
  }
]
