/**
 * What watchers of one node are shown: everything that was executed after their bookmark, once, in its order, one entry at
 * a time. A watcher goes on at any other node; where the entries after its bookmark are gone it starts over from the state.
 */
import type { Index } from "../../core/Types.ts"

export interface Executed {
  readonly index: Index
  readonly text: string
}

/** Outlives the nodes that it watches. */
export interface Watcher {
  readonly name: string
  /** It has seen everything up to here. */
  bookmark: Index
}

export class Feed {
  private readonly say: (line: string) => void
  private readonly watchers = new Set<Watcher>()
  /** What was executed after `base`. */
  private executed: Array<Executed> = []
  private base: Index

  constructor(base: Index, say: (line: string) => void) {
    this.base = base
    this.say = say
  }

  watch(watcher: Watcher, applied: Index, state: string): void {
    this.watchers.add(watcher)
    if (watcher.bookmark < this.base) this.startOver(watcher, applied, state)
    else this.show(watcher, applied)
  }

  leave(watcher: Watcher): void {
    this.watchers.delete(watcher)
  }

  applied(executed: ReadonlyArray<Executed>, applied: Index): void {
    this.executed.push(...executed)
    for (const watcher of this.watchers) this.show(watcher, applied)
  }

  /** A snapshot took the place of the state. */
  replaced(applied: Index, state: string): void {
    this.executed = []
    this.base = applied
    for (const watcher of this.watchers) if (watcher.bookmark < applied) this.startOver(watcher, applied, state)
  }

  compact(index: Index): void {
    this.executed = this.executed.filter((event) => event.index > index)
    this.base = Math.max(this.base, index)
  }

  private show(watcher: Watcher, applied: Index): void {
    const news = this.executed.filter(({ index }) => index > watcher.bookmark)
    watcher.bookmark = Math.max(watcher.bookmark, applied)
    if (news.length > 0) {
      this.say(`shows ${watcher.name}: ${news.map(({ index, text }) => `${index} ${text}`).join(", ")}`)
    }
  }

  private startOver(watcher: Watcher, applied: Index, state: string): void {
    watcher.bookmark = applied
    this.say(`tells ${watcher.name} to start over from the state after ${applied}: ${state}`)
  }
}
