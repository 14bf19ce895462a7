import type { PlantedBug } from "./PlantedBug.ts"

/** Ways to break what a node adds to the core: sessions, retries, reads, apply, snapshots. Each is caught within 200 seeds. */
export const nodeBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "the node takes an append for durable when it was handed to storage",
    file: "node/Driver.ts",
    find: "this.ports.write(append, () => this.persisted(sequence))",
    replace: "this.ports.write(append, () => {})\n      this.persisted(sequence)"
  },
  {
    name: "the snapshot leaves out the sessions",
    file: "testing/machine/MemoryKeyValue.ts",
    find: "sessions: this.sessions.rows().map((row) => ({",
    replace: "sessions: this.sessions.rows().slice(0, 0).map((row) => ({"
  },
  {
    name: "values are stored outside the transaction of the applied index",
    file: "testing/machine/MemoryKeyValue.ts",
    find: "set: (key, value) => void values.set(key, value.slice())",
    replace: "set: (key, value) => void this.values.set(key, value.slice())"
  },
  {
    name: "an answer of a session is forgotten when the next command comes",
    file: "node/Sessions.ts",
    find: "    session.answers.set(serial, answer)\n",
    replace: "    session.answers.set(serial, answer)\n    session.answers.delete(serial - 1)\n"
  },
  {
    name: "the sessions of a snapshot that was installed are not looked at",
    file: "node/Host.ts",
    find: "    this.sessions = new Sessions(sessions, this.limits)\n    this.last = index",
    replace: "    this.last = index"
  },
  {
    name: "a read is answered before its index is applied",
    file: "node/Host.ts",
    find: "if (this.pull === null && index <= this.last) action()",
    replace: "if (this.pull === null) action()"
  },
  {
    name: "a read that is asked again has the name of the one before",
    file: "node/Reads.ts",
    find: "const context = this.ports.unique()",
    replace: "const context = `a read of ${this.id}`"
  },
  {
    name: "a proposal that may have been accepted is refused when its time is over",
    file: "node/Proposals.ts",
    find: 'if (proposal.uncertain > 0) return { _tag: "Unknown", reason }',
    replace: ""
  },
  {
    name: "a result goes to whoever has the same serial in any session",
    file: "node/ProposalTable.ts",
    find: ": this.commands.get(key.session)?.get(key.serial)",
    replace:
      ": [...this.commands.values()].map((ofSession) => ofSession.get(key.serial)).find((found) => found !== undefined)"
  },
  {
    name: "a snapshot takes the place of the state, and not of the log",
    file: "storage/DiskStorage.ts",
    find: "      this.opened.log.reset(metadata.index, metadata.term)\n",
    replace: ""
  },
  {
    name: "a snapshot carries the configuration that is in effect, committed or not",
    file: "node/SnapshotTaking.ts",
    find: "configuration: configurationAt(state.configurations, index)",
    replace: "configuration: configurationAt(state.configurations, Number.MAX_SAFE_INTEGER)"
  }
]
