/**
 * Why a storage cannot go on. Thrown, because the storage runs in a thread of its own with synchronous calls; it ends
 * the node, never an entry. Every message says what an operator can do.
 */
import { TaggedError } from "effect/Data"

export type StorageReason =
  /** Bytes that were durable once are no longer what was written. */
  | "Damaged"
  /** A file that must exist does not. */
  | "Missing"
  /** The log begins after what the snapshot covers. */
  | "Gap"
  /** Another process, or this one, has the directory open. */
  | "Locked"
  /** A node has been here before. */
  | "NotEmpty"
  /** The operating system refused a read, a write or a flush. */
  | "Input/output"
  /** The disk is full. */
  | "Full"
  /** What a peer sent is not what it said it would send. Nothing is lost. */
  | "Transfer"
  /** An operation failed before this one: nothing after it may be acknowledged. */
  | "Poisoned"
  /** The caller broke the contract. */
  | "Misuse"

const advice: Readonly<Record<StorageReason, string>> = {
  Damaged:
    "Do not delete single files. If a majority of the cluster is healthy, remove this node, empty its data directory and let it join as a new node; else restore the directory from a backup.",
  Missing:
    "Put the file back from where it was moved to. If it is lost and a majority of the cluster is healthy, remove this node, empty its data directory and let it join as a new node.",
  Gap: "Put the missing snapshot or log files back. If they are lost and a majority of the cluster is healthy, remove this node, empty its data directory and let it join as a new node.",
  Locked: "Stop the other process that uses this directory, or give this one a directory of its own.",
  NotEmpty:
    "If a node has its log here, start it as it is. Else move what is in the directory to another place, and try again.",
  "Input/output": "Check the disk (dmesg, smartctl), then start the node again: nothing unflushed was acknowledged.",
  Full: "Free space on this disk, then start the node again: nothing unflushed was acknowledged.",
  Transfer: "It will be fetched again; if this repeats, check memory and network of both nodes.",
  Poisoned: "Start the node again once the cause of the first failure is gone.",
  Misuse: "This is a defect of the program: please report it."
}

export class StorageError extends TaggedError("StorageError")<{
  readonly reason: StorageReason
  readonly file: string
  /** Bytes from the start of the file, where that says something. */
  readonly offset: number | null
  /** What is wrong, as half a sentence. */
  readonly detail: string
  readonly cause?: unknown
}> {
  override get message(): string {
    const place = this.offset === null ? this.file : `${this.file}, offset ${this.offset}`
    return `${place}: ${this.detail}. ${advice[this.reason]}`
  }
}

export const misuse = (detail: string): StorageError =>
  new StorageError({ reason: "Misuse", file: "(storage)", offset: null, detail })
