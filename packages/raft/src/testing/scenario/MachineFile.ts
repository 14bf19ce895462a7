/** Keeps the image of a state machine on the disk: its state and its index in one transaction, which is here a rename. */
import { join } from "node:path"
import { readWhole } from "../../storage/file/FileSystem.ts"
import type { FileSystem } from "../../storage/file/FileSystem.ts"

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

  load(): Uint8Array | null {
    const names = this.files.list(this.directory)
    if (names.includes("state.partial")) this.files.remove(this.partial)
    return names.includes("state") ? readWhole(this.files, this.path) : null
  }

  save(image: Uint8Array): void {
    const file = this.files.open(this.partial, "create")
    file.write(image, 0)
    file.sync()
    file.close()
    this.files.rename(this.partial, this.path)
    this.files.syncDirectory(this.directory)
  }
}
