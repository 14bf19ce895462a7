/** One process that flushes and answers, in the place of a cluster. */
import { fork } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { end, watched } from "../cluster/Children.ts"
import type { Cluster, MemberStatus } from "../cluster/Cluster.ts"
import type { Endpoint } from "../cluster/Endpoint.ts"

const program = fileURLToPath(new URL("./flush-and-echo.ts", import.meta.url))

export class FloorCluster implements Cluster {
  readonly endpoints: ReadonlyArray<Endpoint>
  private readonly child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.child = child
    this.endpoints = [{ id: "floor", host: "127.0.0.1", port }]
  }

  static start(directory: string): Promise<FloorCluster> {
    const child = watched(fork(program, [join(directory, "floor")]))
    return new Promise((resolve, reject) => {
      child.once("message", (port: number) => resolve(new FloorCluster(child, port)))
      child.once("exit", () => reject(new Error("flush-and-echo ended")))
    })
  }

  pids(): ReadonlyArray<number> {
    return [this.child.pid!]
  }

  status(id: string): Promise<MemberStatus> {
    return Promise.resolve({ leader: id, term: 0, applied: 0 })
  }

  kill(): void {
    throw new Error("the floor has no other member")
  }

  restart(): Promise<void> {
    return Promise.reject(new Error("the floor has no other member"))
  }

  transferLeadership(): Promise<void> {
    return Promise.reject(new Error("the floor has no other member"))
  }

  stop(): Promise<void> {
    return end(this.child, "SIGKILL")
  }
}
