/**
 * The answers that one batch gives to one session, as one row: a row each would cost as much as the commands themselves.
 * Each: u64 serial   u32 bytes (2^32 - 1: the answer is not kept)   answer
 */
import type { Answered } from "../../../node/Sessions.ts"
import { readUint64, viewOf, writeUint64 } from "../../../storage/log/RecordFormat.ts"

const headBytes = 12
const notKept = 0xffff_ffff

export const packAnswers = (answers: ReadonlyArray<Answered>): Uint8Array => {
  const bytes = new Uint8Array(answers.reduce((sum, { result }) => sum + headBytes + (result?.length ?? 0), 0))
  const view = viewOf(bytes)
  let at = 0
  for (const { result, serial } of answers) {
    writeUint64(view, at, serial)
    view.setUint32(at + 8, result?.length ?? notKept, true)
    if (result !== null) bytes.set(result, at + headBytes)
    at += headBytes + (result?.length ?? 0)
  }
  return bytes
}

export const unpackAnswers = (bytes: Uint8Array): ReadonlyArray<Answered> => {
  const view = viewOf(bytes)
  const answers: Array<Answered> = []
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at + 8, true)
    const end = at + headBytes + (length === notKept ? 0 : length)
    const result = length === notKept ? null : bytes.slice(at + headBytes, end)
    answers.push({ serial: readUint64(view, at), result })
    at = end
  }
  return answers
}
