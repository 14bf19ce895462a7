/** Applies batches of ten entries to the state machine in the directory that it is given, and prints the last index of each. */
import { writeSync } from "node:fs"
import { argv } from "node:process"
import { encodeCommand } from "../../src/testing/machine/KeyValueCommand.ts"
import { SqliteKeyValue } from "../../src/testing/machine/SqliteKeyValue.ts"

const machine = new SqliteKeyValue(argv[2] ?? "")
for (let last = 10; ; last += 10) {
  const commands = Array.from({ length: 10 }, (_, i) => {
    const index = last - 9 + i
    return { index, term: 1, millis: 0, data: encodeCommand({ kind: "put", key: "k", value: `${index}` }) }
  })
  const used = [{ session: 1, lastUsed: last, acknowledged: 1 }]
  machine.apply({
    commands,
    last: { index: last, term: 1 },
    sessionChanges: () => ({ expired: [], used, forgotten: [], answered: [] })
  })
  writeSync(1, `${last}\n`)
}
