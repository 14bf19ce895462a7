import type { Entry, Index, Term } from "../../core/Types.ts"

/** A step of the log's history. */
export type LogChange =
  | { readonly kind: "append"; readonly entry: Entry }
  | { readonly kind: "truncate"; readonly index: Index; readonly lastTerm: Term }
  | { readonly kind: "reset"; readonly index: Index; readonly term: Term }
  | { readonly kind: "compact"; readonly index: Index }

/** The entries of a log in an array, which changes step by step. */
export class MemoryLog {
  firstIndex: Index = 1
  lastTerm: Term = 0
  /** Of the commands' data. */
  bytes = 0
  private entries: Array<Entry> = []

  get lastIndex(): Index {
    return this.firstIndex + this.entries.length - 1
  }

  term(index: Index): Term | null {
    return this.entries[index - this.firstIndex]?.term ?? null
  }

  slice(from: Index, to: Index): ReadonlyArray<Entry> {
    return this.entries.slice(from - this.firstIndex, to - this.firstIndex + 1)
  }

  apply(change: LogChange): void {
    switch (change.kind) {
      case "append":
        this.truncateFrom(change.entry.index)
        this.entries.push(change.entry)
        this.bytes += dataBytes([change.entry])
        this.lastTerm = change.entry.term
        return
      case "truncate":
        this.truncateFrom(change.index)
        this.lastTerm = change.lastTerm
        return
      case "reset":
        this.entries = []
        this.bytes = 0
        this.firstIndex = change.index + 1
        this.lastTerm = change.term
        return
      case "compact":
        if (change.index < this.firstIndex) return
        this.bytes -= dataBytes(this.entries.splice(0, change.index + 1 - this.firstIndex))
        this.firstIndex = change.index + 1
    }
  }

  copy(): MemoryLog {
    const copy = new MemoryLog()
    copy.firstIndex = this.firstIndex
    copy.lastTerm = this.lastTerm
    copy.entries = [...this.entries]
    copy.bytes = this.bytes
    return copy
  }

  private truncateFrom(index: Index): void {
    if (index <= this.lastIndex) this.bytes -= dataBytes(this.entries.splice(index - this.firstIndex))
  }
}

const dataBytes = (entries: ReadonlyArray<Entry>): number =>
  entries.reduce((sum, entry) => sum + (entry.kind === "Command" ? entry.data.length : 0), 0)
