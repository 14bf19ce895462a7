/**
 * Makes the next version of a virtual host of what an agent found in the place of its text (drift policy "accept"): a template of
 * its own with that text, and a version of the host that uses it. So it reaches every agent of the host, and can be compared and
 * rolled back as any version. An agent's word is taken only where the policy of its workspace, or its own, says so.
 */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { slug, virtualHostFile } from "@nxmesh/core/nginx/GeneratedNames"
import { validateTemplate } from "@nxmesh/core/nginx/TemplateCheck"
import { type AgentId, ConfigVersionId, TemplateId } from "@nxmesh/protocol/Ids"
import type { DriftAnswer, DriftOffer } from "@nxmesh/protocol/link/DriftOffer"
import { type LinkRefused, refused } from "@nxmesh/protocol/link/LinkRefused"
import { effectivePolicy } from "@nxmesh/protocol/model/AgentPolicy"
import type { StoredAgent } from "@nxmesh/protocol/model/Agent"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import { Context, Data, Effect, Layer, Result } from "effect"
import { Commands } from "../command/Commands.ts"
import { ConfigEngine } from "../config/ConfigEngine.ts"
import { Reads } from "../state/Reads.ts"
import { textToTemplate } from "./TextToTemplate.ts"

/** Cannot be accepted, whoever asks and however often. */
class NotAcceptable extends Data.TaggedError("NotAcceptable")<{ readonly reason: string }> {}
const notAcceptable = (reason: string) =>
  new NotAcceptable({ reason: reason.slice(0, WireLimits.descriptionCharactersMax) })

interface Accepted {
  readonly host: VirtualHost
  readonly source: string
}

/** Whose file it is, and what its text becomes. */
const judge = (
  bundle: Bundle,
  offer: DriftOffer,
  file: DriftOffer["files"][number]
): Result.Result<Accepted, string> => {
  const hosts = bundle.resources.flatMap((one) => (one._tag === "virtual_host" ? [one.data] : []))
  const host = hosts.find((one) => virtualHostFile(one) === file.path)
  if (host === undefined) return Result.fail("no virtual host owns this file")
  const certificate = bundle.resources.find(
    (one) => one._tag === "certificate" && one.data.id === host.ssl_certificate_id
  )
  const source = textToTemplate({
    ...file,
    host,
    directory: offer.directory,
    certificate: certificate?._tag === "certificate" && host.ssl_enabled ? certificate.data : null
  })
  return Result.map(source, (text) => ({ host, source: text }))
}

/** Named after the host and the text: the same text again is the same template, and another is another. */
const templateName = (host: VirtualHost, source: string): string =>
  `drift-${slug(host.name).slice(0, 40).replace(/-+$/, "")}-${sha256Hex(source).slice(0, 12)}`

const make = Effect.gen(function* () {
  const commands = yield* Commands
  const engine = yield* ConfigEngine
  const identifiers = yield* Identifiers
  const reads = yield* Reads

  const allowed = Effect.fnUntraced(function* (agentId: AgentId) {
    const agent = yield* reads.get("agent", agentId)
    if (agent === undefined) return yield* notAcceptable("the agent was removed")
    const workspace = yield* reads.get("workspace", agent.workspace_id)
    const { drift } = effectivePolicy(workspace?.agent_policy ?? {}, agent.policy ?? {})
    return drift === "accept" ? agent : yield* notAcceptable(`the drift policy of this agent is "${drift}"`)
  })

  const submit = Effect.fnUntraced(function* (
    agent: StoredAgent,
    command: Parameters<typeof commands.submit>[0]["command"]
  ) {
    return yield* commands
      .submit({ principal: { _tag: "System", component: `drift:${agent.id}` }, command })
      .pipe(Effect.catchTag("CommandRejected", ({ message }) => notAcceptable(message)))
  })

  const stamps = (agent: StoredAgent) =>
    Effect.map(identifiers.uuid, (id) => ({
      version_id: ConfigVersionId.make(id),
      rollback_of: null,
      change_summary: `drift of agent ${agent.name} accepted`.slice(0, WireLimits.changeSummaryCharactersMax)
    }))

  const saveTemplate = Effect.fnUntraced(function* (agent: StoredAgent, { host, source }: Accepted) {
    const name = templateName(host, source)
    const { items } = yield* reads.list("template", {
      page: 1,
      perPage: 1,
      sort: "name",
      descending: false,
      filters: { workspace_id: host.workspace_id, name }
    })
    const known = items.find((one) => one.name === name)
    if (known?.source === source) return name
    if (known !== undefined) return yield* notAcceptable(`there is another template "${name}" in the workspace`)
    const [problem] = validateTemplate(source, new Map(), name)
    if (problem !== undefined) return yield* notAcceptable(problem.message)
    const description = `The text of virtual host ${host.name} as agent ${agent.name} had it`
    const template = {
      id: TemplateId.make(yield* identifiers.uuid),
      workspace_id: host.workspace_id,
      name,
      description: description.slice(0, WireLimits.descriptionCharactersMax),
      source
    }
    yield* submit(agent, { _tag: "SaveTemplate", mode: "create", if_match: null, ...(yield* stamps(agent)), template })
    return name
  })

  const accept = Effect.fnUntraced(function* (agent: StoredAgent, accepted: Accepted) {
    const { host } = accepted
    if (host.workspace_id !== agent.workspace_id) {
      return yield* notAcceptable(`virtual host ${host.name} belongs to another workspace than this agent`)
    }
    const current = yield* reads.get("virtual_host", host.id)
    if (current === undefined) return yield* notAcceptable(`virtual host ${host.name} was deleted`)
    const template = templateName(host, accepted.source)
    // Said before, and the answer was lost.
    if (current.template === template) return
    if (current.revision !== host.revision)
      return yield* notAcceptable(`virtual host ${host.name} was changed meanwhile`)
    yield* saveTemplate(agent, accepted)
    const next = { ...current, template }
    const [problem] = yield* engine.hostProblems(next)
    if (problem !== undefined) return yield* notAcceptable(`${problem.field}: ${problem.message}`)
    const { created_at: _created, revision, updated_at: _updated, ...virtual_host } = next
    yield* submit(agent, {
      _tag: "SaveVirtualHost",
      mode: "update",
      if_match: revision,
      ...(yield* stamps(agent)),
      virtual_host
    })
  })

  const offered = Effect.fnUntraced(function* (agentId: AgentId, offer: DriftOffer) {
    const agent = yield* allowed(agentId)
    const bundle = yield* engine
      .bundleOf(agentId, offer.generation)
      .pipe(Effect.mapError(({ message }) => refused("unavailable", message)))
    if (bundle === undefined) return yield* notAcceptable("the generation that it differs from is no longer known here")
    const accepted: Array<Accepted> = []
    for (const file of offer.files) {
      const judged = judge(bundle, offer, file)
      if (Result.isFailure(judged)) return yield* notAcceptable(`${file.path}: ${judged.failure}`)
      accepted.push(judged.success)
    }
    for (const one of accepted) {
      yield* accept(agent, one)
      yield* Effect.logWarning("drift of an agent became a version of a virtual host", {
        agent_id: agent.id,
        virtual_host_id: one.host.id,
        template: templateName(one.host, one.source)
      })
    }
  })

  return {
    offer: Effect.fn("DriftAcceptance.offer")(function* (
      agentId: AgentId,
      offer: DriftOffer
    ): Effect.fn.Return<DriftAnswer, LinkRefused> {
      return yield* offered(agentId, offer).pipe(
        Effect.as({ accepted: true, reason: "" }),
        Effect.catchTags({
          NotAcceptable: ({ reason }) => Effect.succeed({ accepted: false, reason }),
          CommandError: ({ message }) => refused("unavailable", message)
        })
      )
    })
  }
})

export interface DriftAcceptanceShape {
  /** Answered when it is durable. Refused by the link only where another try may succeed. */
  readonly offer: (agentId: AgentId, offer: DriftOffer) => Effect.Effect<DriftAnswer, LinkRefused>
}

const takesNone: DriftAcceptanceShape = {
  offer: () => Effect.succeed({ accepted: false, reason: "this master makes no versions of drift" })
}

/** Without its layer a master takes none. */
export const DriftAcceptance = Context.Reference<DriftAcceptanceShape>("@nxmesh/master/drift/DriftAcceptance", {
  defaultValue: () => takesNone
})

export const layerDriftAcceptance = Layer.effect(DriftAcceptance, make)
