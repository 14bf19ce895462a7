import { Limits } from "../../Limits.ts"
import type { Environment } from "../Environment.ts"
import { TransportError } from "./TransportError.ts"

/** Problems that strangers can cause: at most one is told each second, and how many were not. */
export class Reports {
  private readonly environment: Environment
  private readonly report: (problem: TransportError) => void
  private isQuiet = false
  private untold = 0
  private cancel: () => void = () => undefined

  constructor(environment: Environment, report: (problem: TransportError) => void) {
    this.environment = environment
    this.report = report
  }

  tell(problem: TransportError): void {
    if (this.isQuiet) {
      this.untold++
      return
    }
    const message = this.untold === 0 ? problem.message : `${problem.message} (and ${this.untold} more before)`
    this.untold = 0
    this.isQuiet = true
    this.cancel = this.environment.after(Limits.transport.reportMillis, () => {
      this.isQuiet = false
    })
    this.report(new TransportError({ reason: problem.reason, message, cause: problem }))
  }

  close(): void {
    this.cancel()
    this.isQuiet = true
  }
}
