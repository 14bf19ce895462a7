/** Fills a catalogue from the state, and keeps it so from what apply says has changed. */
import type { Event } from "@nxmesh/protocol/Event"
import { AgentId, CertificateId, TemplateId, UpstreamId, VirtualHostId, WorkspaceId } from "@nxmesh/protocol/Ids"
import { Effect } from "effect"
import type { Reads } from "../state/Reads.ts"
import { Catalogue } from "./Catalogue.ts"

type ReadsService = Reads["Service"]

/** Tenants before what lives in them, and what hosts need before hosts. */
export const loadCatalogue = Effect.fn("ConfigEngine.load")(function* (reads: ReadsService) {
  const catalogue = new Catalogue()
  for (const each of yield* reads.all("workspace")) catalogue.setWorkspace(each.id, each)
  for (const each of yield* reads.all("agent")) catalogue.setAgent(each.id, each)
  for (const each of yield* reads.all("template")) catalogue.setTemplate(each.id, each)
  for (const each of yield* reads.all("upstream")) catalogue.setUpstream(each.id, each)
  for (const each of yield* reads.all("certificate")) catalogue.setCertificate(each.id, each)
  for (const each of yield* reads.all("virtual_host")) catalogue.setHost(each.id, each)
  catalogue.settle()
  return catalogue
})

type ResourceChanged = Extract<Event, { readonly _tag: "ResourceChanged" }>

/**
 * Reads the resource as it is now, which may be newer than the event; the events of what came since follow. What a host
 * refers to is read with it, so that a newer host never stands without its upstream.
 */
export const takeChange = Effect.fnUntraced(function* (
  reads: ReadsService,
  catalogue: Catalogue,
  { id, kind }: Pick<ResourceChanged, "id" | "kind">
) {
  switch (kind) {
    case "workspace":
      catalogue.setWorkspace(WorkspaceId.make(id), yield* reads.get(kind, id))
      return
    case "agent":
      catalogue.setAgent(AgentId.make(id), yield* reads.get(kind, id))
      return
    case "upstream":
      catalogue.setUpstream(UpstreamId.make(id), yield* reads.get(kind, id))
      return
    case "certificate":
      catalogue.setCertificate(CertificateId.make(id), yield* reads.get(kind, id))
      return
    case "template":
      catalogue.setTemplate(TemplateId.make(id), yield* reads.get(kind, id))
      return
    case "virtual_host": {
      const host = yield* reads.get(kind, id)
      for (const { upstream_id } of host?.locations ?? []) {
        if (upstream_id === null || catalogue.lookup.upstream(upstream_id) !== undefined) continue
        catalogue.setUpstream(upstream_id, yield* reads.get("upstream", upstream_id))
      }
      const certificateId = host?.ssl_certificate_id ?? null
      if (certificateId !== null && !catalogue.hasCertificate(certificateId)) {
        catalogue.setCertificate(certificateId, yield* reads.get("certificate", certificateId))
      }
      catalogue.setHost(VirtualHostId.make(id), host)
      return
    }
    case "organization":
    case "user":
    case "enrolment_token":
    case "master":
    case "join_token":
    case "alert":
    case "alert_rule":
    case "alert_silence":
    case "api_key":
    case "group":
    case "role":
    case "role_binding":
    case "service_account":
    case "settings":
    case "webhook":
      return
  }
})
