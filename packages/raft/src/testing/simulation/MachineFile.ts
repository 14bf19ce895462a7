/**
 * What a node's state machine has on its own disk. As a database whose transactions are not flushed one by one: when the
 * process dies all of them are there, when the machine dies the last ones are lost, each as a whole.
 */

import type { MachineWatcher } from "../machine/MemoryKeyValue.ts"
import { MemoryKeyValue } from "../machine/MemoryKeyValue.ts"

export class MachineFile {
  private durable: Uint8Array = new Uint8Array()

  open(watcher: MachineWatcher): MemoryKeyValue {
    return new MemoryKeyValue(this.durable, watcher)
  }

  /** All of its transactions are durable. */
  flush(machine: MemoryKeyValue): void {
    this.durable = machine.image()
  }
}
