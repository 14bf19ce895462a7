/** What waits in memory to be written, within bounds. Pure but for its own state. */
import type { Note } from "./TelemetryMessage.ts"

export interface NoteGroup {
  /** Rises with each group; the same until the group is written. */
  readonly sequence: number
  readonly notes: ReadonlyArray<Note>
}

const charactersOf = (note: Note): number =>
  note._tag === "Report" ? note.report.length : note.event.text.length + JSON.stringify(note.event.data).length

export class NoteQueue {
  private readonly bounds: { readonly countMax: number; readonly charactersMax: number }
  private waiting: Array<Note> = []
  private characters = 0
  private sequence = 0
  private group: NoteGroup | null = null

  constructor(bounds: { readonly countMax: number; readonly charactersMax: number }) {
    this.bounds = bounds
  }

  /** Those of a group that is being written among them. */
  get count(): number {
    return this.waiting.length + (this.group?.notes.length ?? 0)
  }

  /** How many did not fit and are dropped: what came first stays, because it is about the beginning of the trouble. */
  add(notes: ReadonlyArray<Note>): number {
    let dropped = 0
    for (const note of notes) {
      const characters = charactersOf(note)
      if (this.count >= this.bounds.countMax || this.characters + characters > this.bounds.charactersMax) {
        dropped += 1
        continue
      }
      this.waiting.push(note)
      this.characters += characters
    }
    return dropped
  }

  /** The group that is to be written: the last one again until it is. `null`: nothing waits. */
  next(countMax: number): NoteGroup | null {
    if (this.group !== null) return this.group
    if (this.waiting.length === 0) return null
    this.sequence += 1
    this.group = { sequence: this.sequence, notes: this.waiting.splice(0, countMax) }
    return this.group
  }

  written(sequence: number): void {
    if (this.group?.sequence !== sequence) return
    for (const note of this.group.notes) this.characters -= charactersOf(note)
    this.group = null
  }
}
