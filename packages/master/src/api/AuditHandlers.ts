import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import type { AuditCut, AuditEntry, AuditHead, AuditPoint } from "@nxmesh/protocol/model/Audit"
import { allows, type Access } from "@nxmesh/protocol/model/Access"
import { DateTime, Effect, Semaphore, Stream } from "effect"
import { HttpServerRequest } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import type { IncomingMessage } from "node:http"
import { auditKeyOf, exportStream, signedHead, verifyChain } from "../audit/AuditExports.ts"
import { SigningKeys } from "../auth/SigningKeys.ts"
import { Cluster } from "../cluster/Cluster.ts"
import { Commands } from "../command/Commands.ts"
import { Limits } from "../Limits.ts"
import type { ChainedRow } from "../state/apply/AuditChain.ts"
import { Database } from "../state/Database.ts"
import {
  auditHead,
  auditMarks,
  auditRow,
  type AuditSearch,
  auditSlice,
  type AuditVisibility,
  retiredSigningKeys
} from "../state/ReadAudit.ts"
import { cutWhenStalled } from "./BackupDownload.ts"
import { notFound, refuse } from "./Refusal.ts"
import { answerHeaders } from "./ResponseHeaders.ts"
import { currentPrincipal, remoteAddress, submit } from "./Submission.ts"

/** Pure: whose rows somebody may see. */
export const auditVisible = (access: Access): AuditVisibility => {
  if (allows(access, "audit:read", { _tag: "Installation" })) return "all"
  const scopes = access.filter(({ permissions }) => permissions.has("audit:read")).map(({ scope }) => scope)
  return {
    organizationIds: scopes.flatMap((scope) => (scope._tag === "Organization" ? [scope.organizationId] : [])),
    workspaceIds: scopes.flatMap((scope) => (scope._tag === "Workspace" ? [scope.workspaceId] : []))
  }
}

const isSeen = (visible: AuditVisibility, { organization_id, workspace_id }: ChainedRow): boolean =>
  visible === "all" ||
  visible.organizationIds.includes(organization_id ?? "") ||
  visible.workspaceIds.includes(workspace_id ?? "")

const valueOf = (text: string | null): unknown => (text === null ? null : JSON.parse(text))

export const auditEntryOf = (row: ChainedRow): AuditEntry =>
  ({
    entry: row.entry,
    at: row.at,
    principal: row.principal,
    command: row.command,
    kind: row.kind,
    resource_id: row.resource_id,
    organization_id: row.organization_id ?? null,
    workspace_id: row.workspace_id ?? null,
    before: valueOf(row.before),
    after: valueOf(row.after),
    remote_address: row.remote_address,
    request_id: row.request_id ?? null,
    user_agent: row.user_agent ?? null,
    outcome: row.outcome,
    previous_hash: row.previous_hash,
    hash: row.hash
  }) as AuditEntry

const visibleNow = Effect.map(CurrentUser, ({ access }) => auditVisible(access))

/** What only those may do who see all of the audit. */
const requireAll = Effect.flatMap(visibleNow, (visible) =>
  visible === "all"
    ? Effect.void
    : Effect.fail(refuse("FORBIDDEN", "this needs the permission audit:read for the whole installation"))
)

/** Looks at a bounded number of rows, in slices. */
const search = Effect.fnUntraced(function* (asked: AuditSearch, rowsMax: number) {
  const { reader } = yield* Database
  const rows: Array<ChainedRow> = []
  let before: number | null = asked.before
  for (let scanned = 0; scanned < Limits.audit.rowsPerSearchMax; scanned += Limits.audit.rowsTogether) {
    const slice = auditSlice(
      reader,
      { ...asked, before },
      { rowsMax: rowsMax - rows.length, scanned: Limits.audit.rowsTogether }
    )
    rows.push(...slice.rows)
    before = slice.next
    if (before === null || rows.length >= rowsMax) break
    yield* Effect.yieldNow
  }
  return { rows, next: before }
})

const nextLink = (url: string, next: number): string => {
  const [path = "", query = ""] = url.split("?", 2)
  const parameters = new URLSearchParams(query)
  parameters.set("cursor", String(next))
  return `${path}?${parameters.toString()}`
}

/** Where an export begins: after an entry that the chain has, or behind its anchor. */
const pointAfter = Effect.fnUntraced(function* (after: number | undefined) {
  const { reader } = yield* Database
  const { anchor } = auditMarks(reader)
  if (after === undefined || after === anchor.entry) return anchor
  const row = auditRow(reader, after)
  if (row !== undefined) return { entry: row.entry, hash: row.hash } as AuditPoint
  return yield* Effect.fail(
    refuse("VALIDATION_ERROR", `The audit has no entry ${after}: name the last one of the export before`, [
      { field: "after", message: `must be an entry of the audit, which begins after entry ${anchor.entry}` }
    ])
  )
})

/** On the record when it was given away to its end: only what was may be cut. */
const recordExport = Effect.fnUntraced(function* (after: AuditPoint, head: AuditPoint) {
  const request = {
    principal: yield* currentPrincipal,
    command: { _tag: "RecordAuditExport" as const, after, head },
    remoteAddress: yield* remoteAddress
  }
  const commands = yield* Commands
  return commands
    .submit(request)
    .pipe(
      Effect.catch(({ message }) =>
        Effect.logWarning("an export of the audit is not on the record, and allows no cut", { why: message })
      )
    )
})

const giveExport = Effect.fn("audit.export")(function* (after: number | undefined) {
  const database = yield* Database
  const { clusterId } = yield* Cluster
  const visible = yield* visibleNow
  const from = yield* pointAfter(after)
  const head = auditHead(database.reader)
  const signer = yield* (yield* SigningKeys).signer
  const request = yield* HttpServerRequest.HttpServerRequest
  const record = yield* recordExport(from, head)
  yield* answerHeaders({
    "content-disposition": `attachment; filename="nxmesh-audit-${head.entry}.ndjson"`,
    "cache-control": "no-store"
  })
  const { socket } = request.source as Partial<IncomingMessage>
  const content = exportStream({
    clusterId,
    visible,
    after: from,
    head,
    marks: auditMarks(database.reader),
    signer
  }).pipe(
    Stream.provideService(Database, database),
    Stream.onEnd(visible === "all" && head.entry > from.entry ? Effect.asVoid(record) : Effect.void)
  )
  return yield* cutWhenStalled(
    content,
    Limits.backup.stalledMax,
    Effect.sync(() => void socket?.destroy())
  )
})

export const layerAudit = HttpApiBuilder.group(
  NxMeshApi,
  "audit",
  Effect.fnUntraced(function* (handlers) {
    const { reader } = yield* Database
    const { clusterId } = yield* Cluster
    const signingKeys = yield* SigningKeys
    const verifying = yield* Semaphore.make(1)

    return handlers.handleAll({
      list: Effect.fn("audit.list")(function* ({ query }) {
        const { cursor, from, outcome, per_page, to, ...equal } = query
        const refused = outcome === "refused"
        const { url } = yield* HttpServerRequest.HttpServerRequest
        const { next, rows } = yield* search(
          {
            visible: yield* visibleNow,
            equal: refused ? equal : { ...equal, outcome },
            refused,
            from: from ?? null,
            to: to ?? null,
            before: cursor ?? Number.MAX_SAFE_INTEGER
          },
          per_page
        )
        return { data: rows.map(auditEntryOf), links: { self: url, next: next === null ? null : nextLink(url, next) } }
      }),
      get: Effect.fn("audit.get")(function* ({ params }) {
        const row = auditRow(reader, params.entry)
        if (row === undefined || !isSeen(yield* visibleNow, row)) {
          return yield* Effect.fail(notFound("audit entry", String(params.entry)))
        }
        return { data: auditEntryOf(row) }
      }),
      head: Effect.fn("audit.head")(function* () {
        const claims = {
          ...auditHead(reader),
          cluster_id: clusterId,
          signed_at: DateTime.formatIso(yield* DateTime.now),
          anchor: auditMarks(reader).anchor
        }
        const data: AuditHead = { ...claims, ...signedHead(claims, yield* signingKeys.signer) }
        return { data }
      }),
      keys: Effect.fn("audit.keys")(function* () {
        const present = (yield* signingKeys.keys).map(auditKeyOf)
        return { data: [...present, ...retiredSigningKeys(reader).map(auditKeyOf)] }
      }),
      verify: Effect.fn("audit.verify")(function* () {
        yield* requireAll
        const data = yield* verifying.withPermit(verifyChain)
        return { data }
      }),
      export: ({ query }) => giveExport(query.after),
      cut: Effect.fn("audit.cut")(function* ({ payload }) {
        yield* requireAll
        const accepted = yield* submit({ _tag: "CutAudit", ...payload })
        return { data: accepted.value as AuditCut }
      })
    })
  })
)
