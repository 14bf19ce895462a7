// Started by a process that changes the machine (MachineMarks.ts), with its identity: when that has ended, what it has left is undone.

import { setTimeout as sleep } from "node:timers/promises"
import { isAlive } from "../../cli/playground/ProcessIdentity.ts"
import { sweepMachine } from "./MachineChanges.ts"

const owner = JSON.parse(process.argv[2]!)

process.stdin.resume().on("close", async () => {
  // A process closes its files a moment before it is gone.
  while (isAlive(owner)) await sleep(10)
  sweepMachine()
})
