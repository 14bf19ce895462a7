/** The benchmark's side of the load generator's process. One request at a time. */
import { fork } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { fileURLToPath } from "node:url"
import { end, watched } from "../cluster/Children.ts"
import type { LoadShape } from "./ClosedLoop.ts"
import type { GeneratorAnswer, GeneratorRequest, Measurement, Target } from "./GeneratorMessage.ts"

const program = fileURLToPath(new URL("./generator.ts", import.meta.url))

export class GeneratorProcess {
  private readonly child: ChildProcess = watched(fork(program, { stdio: "inherit" }))

  async connect(target: Target): Promise<void> {
    await this.ask({ kind: "connect", target })
  }

  async writeAll(shape: LoadShape): Promise<void> {
    await this.ask({ kind: "writeAll", shape })
  }

  measure(shape: LoadShape, warmMillis: number, millis: number): Promise<Measurement> {
    return this.askMeasurement({ kind: "measure", shape, warmMillis, millis })
  }

  async begin(shape: LoadShape): Promise<void> {
    await this.ask({ kind: "begin", shape })
  }

  progress(): Promise<Measurement> {
    return this.askMeasurement({ kind: "progress" })
  }

  /** When each answer came, of the load under way. */
  async answersSince(sinceMillis: number): Promise<ReadonlyArray<number>> {
    const answer = await this.ask({ kind: "answers", sinceMillis })
    if (answer.kind !== "answers") throw new Error(`the load generator said ${answer.kind}`)
    return answer.atMillis
  }

  end(): Promise<Measurement> {
    return this.askMeasurement({ kind: "end" })
  }

  async disconnect(): Promise<void> {
    await this.ask({ kind: "disconnect" })
  }

  stop(): Promise<void> {
    return end(this.child, "SIGKILL")
  }

  private async askMeasurement(request: GeneratorRequest): Promise<Measurement> {
    const answer = await this.ask(request)
    if (answer.kind !== "measured") throw new Error(`the load generator said ${answer.kind}`)
    return answer.measurement
  }

  private ask(request: GeneratorRequest): Promise<GeneratorAnswer> {
    return new Promise((resolve, reject) => {
      const lost = (): void => reject(new Error("the load generator ended"))
      this.child.once("exit", lost)
      this.child.once("message", (answer: GeneratorAnswer) => {
        this.child.removeListener("exit", lost)
        if (answer.kind === "failed") reject(new Error(`load generator: ${answer.message}`))
        else resolve(answer)
      })
      this.child.send(request)
    })
  }
}
