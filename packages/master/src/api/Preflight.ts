/** Asks nginx on one agent what it says of a change, before the change is made (field.md 2). What cannot be asked does not pass. */
import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import type { PreflightReport } from "@nxmesh/protocol/api/Preflight"
import type { Command } from "@nxmesh/protocol/Command"
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { DeploymentError } from "@nxmesh/protocol/model/Deployment"
import { allows } from "@nxmesh/protocol/model/Access"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import type { ResourceDraft } from "@nxmesh/protocol/peer/AgentMessage"
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
import { Effect } from "effect"
import { addsSnippet } from "../state/apply/VirtualHosts.ts"
import { Reads } from "../state/Reads.ts"
import { kindWords } from "../state/KindWords.ts"
import { isRepeated, unreachable } from "./ActionsHandlers.ts"
import { existing } from "./Change.ts"
import { requireOwnReferences } from "./DraftChecks.ts"
import { LiveAgents } from "./LiveAgents.ts"
import { refuse } from "./Refusal.ts"
import { neutralStamps } from "./Unstamped.ts"

/** The resource that the command would save; `null` for one that saves none. */
const draftOf = (command: Command): ResourceDraft | null => {
  switch (command._tag) {
    case "SaveVirtualHost":
      return { _tag: "virtual_host", data: { ...command.virtual_host, ...neutralStamps } }
    case "SaveUpstream":
      return { _tag: "upstream", data: { ...command.upstream, ...neutralStamps } }
    case "SaveCertificate":
      return { _tag: "certificate", data: { ...command.certificate, ...neutralStamps } }
    case "SaveTemplate":
      return { _tag: "template", data: { ...command.template, ...neutralStamps } }
    default:
      return null
  }
}

/** Text of people that cannot save it is not given to any nginx either. */
const requireSnippets = Effect.fnUntraced(function* (drafts: ReadonlyArray<ResourceDraft>) {
  const { access } = yield* CurrentUser
  const reads = yield* Reads
  const isRaw = Effect.fnUntraced(function* (draft: ResourceDraft) {
    const scope = yield* reads.scopeOfWorkspace(draft.data.workspace_id)
    if (scope !== undefined && allows(access, "config:snippet", scope)) return false
    if (draft._tag === "template") return true
    if (draft._tag !== "virtual_host") return false
    const known: VirtualHost | undefined = yield* reads.get("virtual_host", draft.data.id)
    return addsSnippet(known?.workspace_id === draft.data.workspace_id ? known : undefined, draft.data)
  })
  if ((yield* Effect.filter(drafts, isRaw)).length === 0) return
  return yield* Effect.fail(refuse("FORBIDDEN", "this needs the permission config:snippet"))
})

/** What nginx there says. Fails when it cannot be asked. */
export const preflight = Effect.fnUntraced(function* (agentId: AgentId, drafts: ReadonlyArray<ResourceDraft>) {
  const reads = yield* Reads
  yield* existing("agent", agentId, "config:write")
  yield* requireSnippets(drafts)
  const nothing = "the preflight did not run, and nothing was changed"
  const outcome = yield* (yield* LiveAgents)
    .preflight(agentId, drafts, yield* reads.appliedIndex)
    .pipe(Effect.mapError((error) => unreachable(error, nothing)))
  const why = typeof outcome === "string" ? outcome : outcome.status === "refused" ? outcome.message : null
  if (typeof outcome === "string" || why !== null) {
    return yield* Effect.fail(refuse("CONFLICT", `The preflight cannot run: ${why}; nothing was changed`))
  }
  const report: PreflightReport = {
    agent_id: agentId,
    passed: outcome.status !== "failed",
    message: outcome.message,
    errors: outcome.errors
  }
  return report
})

const place = ({ file, line }: DeploymentError): string => {
  if (file === null) return ""
  return line === null ? ` (${file})` : ` (${file}:${line})`
}

const detailOf = (error: DeploymentError): ErrorDetail => {
  const { message, resource } = error
  const whose =
    resource === null
      ? ""
      : `${kindWords[resource.kind as keyof typeof kindWords] ?? resource.kind} "${resource.name}": `
  return { field: "", message: `${whose}${message}${place(error)}` }
}

/** The command, when nginx on the agent takes what it would save; refuses with nginx's own words when not. */
export const checkedByAgent = Effect.fnUntraced(function* (
  command: Command,
  agentId: AgentId | undefined,
  idempotencyKey: string | undefined
) {
  const draft = draftOf(command)
  // A request that is repeated gets the answer of the first, and that one had its preflight.
  if (agentId === undefined || draft === null || (yield* isRepeated(idempotencyKey))) return command
  yield* requireOwnReferences(draft)
  const report = yield* preflight(agentId, [draft])
  if (report.passed) return command
  const details = report.errors.length === 0 ? [{ field: "", message: report.message }] : report.errors.map(detailOf)
  return yield* Effect.fail(
    refuse(
      "PREFLIGHT_FAILED",
      `nginx on agent ${agentId} refuses the change, and nothing was changed: ${report.message}`,
      details
    )
  )
})
