/** What clients of a real cluster asked and were told, for the linearizability checker. Times are this process's monotonic milliseconds. */
import type { History, Operation } from "@nxmesh/raft/testing/checker/History"

/** How one request ended. */
export type Ending<Output> =
  | { readonly kind: "answered"; readonly output: Output }
  /** It surely did nothing: not sent, or refused before it was proposed. */
  | { readonly kind: "refused" }
  /** Nobody knows whether it happened, nor when: it may still happen. */
  | { readonly kind: "unknown" }

export class HistoryRecorder<Input, Output> {
  private readonly operations: Array<Operation<Input, Output>> = []
  /** Operations by how they ended. */
  readonly counts = { answered: 0, refused: 0, unknown: 0 }

  /** To be called before the request is sent; what it returns, after the end of it. */
  begin(client: string, input: Input): (ending: Ending<Output>) => void {
    const called = performance.now()
    return (ending) => {
      this.counts[ending.kind] += 1
      if (ending.kind === "refused") return
      const isAnswered = ending.kind === "answered"
      this.operations.push({
        client,
        called,
        returned: isAnswered ? performance.now() : Infinity,
        input,
        output: isAnswered ? ending.output : undefined
      })
    }
  }

  get total(): number {
    return this.counts.answered + this.counts.refused + this.counts.unknown
  }

  get history(): History<Input, Output> {
    return this.operations
  }
}
