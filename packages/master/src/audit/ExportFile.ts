/** Checks an export of the audit that lies in a file, with keys and a head that were kept in files beside it. */
import { AuditHead, AuditKey } from "@nxmesh/protocol/model/Audit"
import { Data, Effect, Result, Schema } from "effect"
import { createReadStream } from "node:fs"
import { readFile } from "node:fs/promises"
import { Limits } from "../Limits.ts"
import { ExportCheck, type ExportVerdict } from "./ExportCheck.ts"
import { type HeadClaims, openHead } from "./SignedHead.ts"

export class ExportUnusable extends Data.TaggedError("ExportUnusable")<{
  readonly file: string
  readonly problem: string
}> {
  override get message() {
    return `${this.file}: ${this.problem}`
  }
}

const unusable = (file: string) => (problem: unknown) =>
  new ExportUnusable({ file, problem: problem instanceof Error ? problem.message : String(problem) })

const KeysFile = Schema.fromJsonString(
  Schema.Union([Schema.Struct({ data: Schema.Array(AuditKey) }), Schema.Struct({ keys: Schema.Array(AuditKey) })])
)
const HeadFile = Schema.fromJsonString(Schema.Union([Schema.Struct({ data: AuditHead }), AuditHead]))

const readJson = <A>(file: string, schema: Schema.Codec<A, string>, what: string) =>
  Effect.tryPromise({ try: () => readFile(file, "utf8"), catch: unusable(file) }).pipe(
    Effect.flatMap((text) =>
      Effect.fromResult(Schema.decodeResult(schema)(text)).pipe(
        Effect.mapError(() => unusable(file)(`it is not ${what}`))
      )
    )
  )

const readKeys = (file: string) =>
  Effect.map(
    readJson(file, KeysFile, "what GET /api/v1/audit/keys answers, or a JWK set"),
    (found): ReadonlyArray<AuditKey> => ("data" in found ? found.data : found.keys)
  )

/** A head is believed by its signature alone. */
const readKept = Effect.fnUntraced(function* (file: string, keys: ReadonlyArray<AuditKey> | null) {
  const found = yield* readJson(file, HeadFile, "what GET /api/v1/audit/head answers")
  const head = "data" in found ? found.data : found
  const opened = openHead(head.signature, keys ?? [head.key])
  return "problem" in opened ? yield* unusable(file)(opened.problem) : opened.claims
})

/** Each line without its line feed. A line that is longer than any of an export, and an end without a line feed, are refused. */
const checkLines = async (file: string, check: ExportCheck): Promise<string | null> => {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    let from = 0
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (let end = bytes.indexOf(10, from); end >= 0; end = bytes.indexOf(10, from)) {
      const problem = check.line(bytes.subarray(from, end))
      if (problem !== null) return problem
      from = end + 1
    }
    rest = bytes.subarray(from)
    if (rest.length > Limits.audit.lineBytesMax) return "a line is longer than any of an export: it was changed"
  }
  return rest.length === 0 ? null : "the last line is not ended: its end was cut off"
}

export interface ExportFiles {
  readonly file: string
  readonly keysFile: string | null
  readonly headFile: string | null
}

export const checkExport = Effect.fn("AuditExport.check")(function* ({ file, headFile, keysFile }: ExportFiles) {
  const keys = keysFile === null ? null : yield* readKeys(keysFile)
  const kept: HeadClaims | null = headFile === null ? null : yield* readKept(headFile, keys)
  const check = new ExportCheck({ keys, kept })
  const problem = yield* Effect.tryPromise({ try: () => checkLines(file, check), catch: unusable(file) })
  if (problem !== null) return yield* unusable(file)(problem)
  const verdict = check.end()
  return yield* Effect.fromResult(
    "problem" in verdict ? Result.fail(unusable(file)(verdict.problem)) : Result.succeed<ExportVerdict>(verdict)
  )
})
