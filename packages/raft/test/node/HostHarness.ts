/** A Host with everything around it in the hands of the test: what it tells is kept, and effects run as far as they can. */
import type { Entry } from "@nxmesh/raft/core/Types"
import { encodeEnvelope } from "@nxmesh/raft/node/Envelope"
import { Host } from "@nxmesh/raft/node/Host"
import type { Reply } from "@nxmesh/raft/node/Host"
import type { HostMessage, Waiter } from "@nxmesh/raft/node/HostMessage"
import type { StateMachine } from "@nxmesh/raft/node/StateMachine"
import { decodeResult, encodeCommand } from "@nxmesh/raft/testing/machine/KeyValueCommand"
import type { KeyValueCommand } from "@nxmesh/raft/testing/machine/KeyValueCommand"
import { MemoryKeyValue } from "@nxmesh/raft/testing/machine/MemoryKeyValue"
import { Effect } from "effect"

export interface Harness {
  readonly host: Host
  /** What was told since this was last called. */
  readonly told: () => ReadonlyArray<HostMessage>
  readonly stopped: Array<Error>
}

export const makeHost = (machine: StateMachine = new MemoryKeyValue()): Harness => {
  let messages: Array<HostMessage> = []
  const stopped: Array<Error> = []
  const host = new Host(machine, {
    tell: (message) => void messages.push(message),
    run: (effect, done) => void Effect.runCallback(effect, { onExit: done }),
    status: () => undefined,
    stopped: (failure) => void stopped.push(failure)
  })
  const told = (): ReadonlyArray<HostMessage> => {
    const now = messages
    messages = []
    return now
  }
  return { host, told, stopped }
}

export const empty = (index: number): Entry => ({ kind: "Empty", term: 1, index })

export const opening = (index: number): Entry => ({
  kind: "Command",
  term: 1,
  index,
  data: encodeEnvelope({ kind: "OpenSession", nonce: "a" })
})

export const raw = (index: number, data: Uint8Array): Entry => ({ kind: "Command", term: 1, index, data })

export const command = (
  index: number,
  serial: number,
  what: KeyValueCommand,
  { acknowledged = 0, session = 1 } = {}
): Entry =>
  raw(index, encodeEnvelope({ kind: "Command", session, serial, acknowledged, millis: 0, data: encodeCommand(what) }))

export const put = (key: string, value: string): KeyValueCommand => ({ kind: "put", key, value })
export const get = (key: string): KeyValueCommand => ({ kind: "get", key })

export const apply = (host: Host, entries: ReadonlyArray<Entry>, waiters: ReadonlyArray<Waiter> = []): void =>
  host.hear({ kind: "apply", entries, waiters })

/** Replies in the order in which they come, with results as the key-value machine means them. */
export const collect = <A>(into: Array<unknown>): Reply<A> => {
  return (outcome) => {
    if (outcome._tag !== "Done") into.push(outcome)
    else if (typeof outcome.value === "number") into.push(outcome.value)
    else into.push(decodeResult((outcome.value as unknown as { readonly result: Uint8Array }).result))
  }
}

/** Hears and answers what a Raft thread would, to move one whole snapshot from `from` into `to`. */
export const transfer = (from: Harness, to: Harness, chunkBytes: number): number => {
  const chunks: Array<Uint8Array> = []
  let metadata = { index: 0, bytes: 0 }
  from.host.hear({ kind: "takeSnapshot" })
  for (let isOver = false; !isOver;) {
    for (const message of from.told()) {
      if (message.kind === "snapshotBegin") metadata = message
      if (message.kind === "snapshotChunk") chunks.push(message.data)
      if (message.kind === "snapshotEnd") isOver = true
    }
    const offset = chunks.reduce((sum, { length }) => sum + length, 0)
    if (!isOver) from.host.hear({ kind: "snapshotWanted", offset, bytesMax: chunkBytes })
  }
  install(to, metadata.index, Buffer.concat(chunks))
  return chunks.length
}

export const install = (to: Harness, index: number, content: Uint8Array): void => {
  beginInstall(to, index, content.length)
  feed(to, content)
}

export const beginInstall = ({ host }: Harness, index: number, bytes: number): void => {
  const configuration = { voters: ["a"], learners: [], outgoing: [], learnersNext: [], autoLeave: false }
  host.hear({ kind: "install", snapshot: { metadata: { index, term: 1, configuration }, bytes, checksum: 0 } })
}

/** Answers reads of the snapshot until there are no more. Returns what else was told. */
export const feed = ({ host, told }: Harness, content: Uint8Array): ReadonlyArray<HostMessage> => {
  const others: Array<HostMessage> = []
  for (let messages = told(); messages.length > 0; messages = told()) {
    for (const message of messages) {
      if (message.kind !== "snapshotRead") others.push(message)
      else host.hear({ kind: "snapshotData", data: content.slice(message.offset, message.offset + message.bytesMax) })
    }
  }
  return others
}
