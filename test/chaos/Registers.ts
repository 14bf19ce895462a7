/**
 * Registers over the REST API: the name of a workspace, written without a condition, with one, and read. Any master is asked. What
 * was asked and told becomes a history for the checker of @nxmesh/raft.
 */
import type { KeyValueInput, KeyValueOutput } from "@nxmesh/raft/testing/checker/KeyValue"
import { keyValue } from "@nxmesh/raft/testing/checker/KeyValue"
import { checkLinearizability } from "@nxmesh/raft/testing/checker/Linearizability"
import { type Ending, HistoryRecorder } from "../support/History.ts"
import type { HistoryVerdict } from "./Judgement.ts"
import { ask, isRefusal } from "./Requests.ts"
import type { Told } from "./Requests.ts"

type Recorder = HistoryRecorder<KeyValueInput, KeyValueOutput>
type End = Ending<KeyValueOutput>

export interface RegisterRequest {
  readonly origin: string
  readonly token: string
  readonly client: string
  /** Id of the workspace. */
  readonly key: string
  readonly timeoutMillis: number
}

/** A value that was read or written, with what a conditional write names it by. */
export interface Seen {
  readonly value: string
  readonly etag: string
}

const refused: End = { kind: "refused" }
const unknown: End = { kind: "unknown" }
const answered = (output: KeyValueOutput): End => ({ kind: "answered", output })

const nameIn = (told: Told): string | null =>
  told.kind === "told" ? ((told.body as { data?: { name?: string } } | null)?.data?.name ?? null) : null

/** A write that got no clear answer may still happen; a read that got none says nothing. */
const unclear = (told: Told, isWrite: boolean): End => {
  if (!isWrite || told.kind === "unsent") return refused
  return told.kind === "told" && isRefusal(told.status) ? refused : unknown
}

export const endingOf = (input: KeyValueInput, told: Told): End => {
  const status = told.kind === "told" ? told.status : null
  if (input.kind === "get") {
    if (status === 200) return answered({ kind: "get", value: nameIn(told) })
    // Every register exists before it is used: one that is not there is a lost write.
    return status === 404 ? answered({ kind: "get", value: null }) : refused
  }
  if (status === 200 || status === 201) {
    return answered(input.kind === "put" ? { kind: "put" } : { kind: "cas", swapped: true })
  }
  if (input.kind === "cas" && status === 412) return answered({ kind: "cas", swapped: false })
  return unclear(told, true)
}

const seenIn = (input: KeyValueInput, told: Told): Seen | null => {
  if (told.kind !== "told" || told.etag === null || told.status >= 300) return null
  const value = input.kind === "get" ? nameIn(told) : input.value
  return value === null ? null : { value, etag: told.etag }
}

/** Asks and records. `condition` is the ETag of a compare-and-set's expected value. */
const perform = async (
  recorder: Recorder,
  request: RegisterRequest,
  input: KeyValueInput,
  condition: string | null
): Promise<{ readonly ending: End; readonly seen: Seen | null; readonly status: number | null }> => {
  const end = recorder.begin(request.client, input)
  const told = await ask({
    method: input.kind === "get" ? "GET" : "PATCH",
    url: `${request.origin}/api/v1/workspaces/${request.key}`,
    token: request.token,
    timeoutMillis: request.timeoutMillis,
    ...(input.kind === "get" ? {} : { body: { name: input.value } }),
    ...(condition === null ? {} : { headers: { "if-match": condition } })
  })
  const ending = endingOf(input, told)
  end(ending)
  return { ending, seen: seenIn(input, told), status: told.kind === "told" ? told.status : null }
}

export const read = (recorder: Recorder, request: RegisterRequest) =>
  perform(recorder, request, { kind: "get", key: request.key }, null)

export const write = (recorder: Recorder, request: RegisterRequest, value: string) =>
  perform(recorder, request, { kind: "put", key: request.key, value }, null)

/** Values are written once, so the ETag of a value stands for it. */
export const swap = (recorder: Recorder, request: RegisterRequest, expected: Seen, value: string) =>
  perform(recorder, request, { kind: "cas", key: request.key, expected: expected.value, value }, expected.etag)

const stepsMax = 20_000_000
const shown = 6

export const judgeRegisters = (recorder: Recorder): HistoryVerdict => {
  const verdict = checkLinearizability(keyValue, recorder.history, stepsMax)
  switch (verdict._tag) {
    case "Linearizable":
      return { kind: "linearizable" }
    case "Undecided":
      return { kind: "undecided", key: verdict.key }
    case "Violation": {
      const last = verdict.explained.slice(-shown)
      const explanation = `after ${JSON.stringify(last)} none of these can follow: ${JSON.stringify(verdict.stuckAt.slice(0, shown))}`
      return { kind: "violated", key: verdict.key, explanation }
    }
  }
}
