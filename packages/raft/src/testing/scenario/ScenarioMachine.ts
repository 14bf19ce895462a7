/** The state machine of scenarios: the texts that were applied, in their order, and the index of the last entry. */
import { join } from "node:path"
import type { Entry, Index } from "../../core/Types.ts"
import { readWhole } from "../../storage/file/FileSystem.ts"
import type { FileSystem } from "../../storage/file/FileSystem.ts"

export interface MachineState {
  readonly applied: Index
  readonly texts: ReadonlyArray<string>
}

export const initialMachine: MachineState = { applied: 0, texts: [] }

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const applyEntry = ({ texts }: MachineState, entry: Entry): MachineState => ({
  applied: entry.index,
  texts: entry.kind === "Command" ? [...texts, decoder.decode(entry.data)] : texts
})

export const encodeMachine = (state: MachineState): Uint8Array => encoder.encode(JSON.stringify(state))
export const decodeMachine = (bytes: Uint8Array): MachineState => JSON.parse(decoder.decode(bytes)) as MachineState

/** A state machine that keeps its state on the disk: texts and index in one transaction, which is here a rename. */
export class MachineFile {
  private readonly files: FileSystem
  private readonly directory: string
  private readonly path: string
  private readonly partial: string

  constructor(files: FileSystem, directory: string) {
    this.files = files
    this.directory = directory
    this.path = join(directory, "state")
    this.partial = join(directory, "state.partial")
  }

  load(): MachineState {
    const names = this.files.list(this.directory)
    if (names.includes("state.partial")) this.files.remove(this.partial)
    return names.includes("state") ? decodeMachine(readWhole(this.files, this.path)) : initialMachine
  }

  save(state: MachineState): void {
    const file = this.files.open(this.partial, "create")
    file.write(encodeMachine(state), 0)
    file.sync()
    file.close()
    this.files.rename(this.partial, this.path)
    this.files.syncDirectory(this.directory)
  }
}
