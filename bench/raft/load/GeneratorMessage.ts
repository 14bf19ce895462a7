/** What the benchmark says to its load generator, a process of its own, and what it answers. Times in milliseconds. */
import type { Endpoint, TlsIdentity } from "../cluster/Endpoint.ts"
import type { LoadShape } from "./ClosedLoop.ts"

export interface Target {
  readonly system: "raft" | "etcd" | "floor"
  /** The preferred one first. */
  readonly endpoints: ReadonlyArray<Endpoint>
  readonly tls: TlsIdentity | null
  /** Of HTTP/2, to the preferred member; etcd only. */
  readonly connections: number
  /** Whether a lost member is made up for by the others. */
  readonly retries: boolean
}

export type GeneratorRequest =
  | { readonly kind: "connect"; readonly target: Target }
  /** Writes every key once. */
  | { readonly kind: "writeAll"; readonly shape: LoadShape }
  /** Runs for `warmMillis` unmeasured, then for `millis`. */
  | { readonly kind: "measure"; readonly shape: LoadShape; readonly warmMillis: number; readonly millis: number }
  /** Load that goes on until `end`, and remembers when each answer came. */
  | { readonly kind: "begin"; readonly shape: LoadShape }
  | { readonly kind: "answers"; readonly sinceMillis: number }
  /** What the load under way measured since it was last asked. */
  | { readonly kind: "progress" }
  | { readonly kind: "end" }
  | { readonly kind: "disconnect" }

export interface Measurement {
  readonly operations: number
  readonly seconds: number
  readonly p50Millis: number
  readonly p99Millis: number
  readonly maxMillis: number
  /** Processor seconds of the generator for each second. */
  readonly generatorShare: number
  /** How often, by what was said. */
  readonly failures: ReadonlyArray<readonly [string, number]>
}

export type GeneratorAnswer =
  | { readonly kind: "done" }
  | { readonly kind: "measured"; readonly measurement: Measurement }
  /** On the clock that all processes of the machine share. */
  | { readonly kind: "answers"; readonly atMillis: ReadonlyArray<number> }
  | { readonly kind: "failed"; readonly message: string }
