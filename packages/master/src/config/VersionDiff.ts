/** How two versions of a resource differ: field by field, and in the nginx text that they render to. */
import { differences } from "@nxmesh/core/nginx/Diff"
import { StoredCertificate } from "@nxmesh/protocol/model/Certificate"
import type { ConfigVersion, VersionDiff } from "@nxmesh/protocol/model/ConfigVersion"
import type { VersionedKind } from "@nxmesh/protocol/model/ResourceKind"
import { Generation, SecretVersionId } from "@nxmesh/protocol/Ids"
import { Template } from "@nxmesh/protocol/model/Template"
import { Upstream } from "@nxmesh/protocol/model/Upstream"
import { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { Effect, Option, Schema, Struct } from "effect"
import type { Catalogue } from "./Catalogue.ts"
import { closureOf, templateKeys } from "./Closures.ts"
import { certificateEntry, hostEntry, templateEntry, upstreamEntry } from "./Entries.ts"
import type { Entry } from "./Manifest.ts"
import { stamped } from "./Snapshots.ts"
import { assumedNginx, previewTree, treeDifferences } from "./PreviewTree.ts"

export interface VersionDiffInput {
  readonly catalogue: Catalogue
  readonly kind: VersionedKind
  readonly from: ConfigVersion
  readonly to: ConfigVersion
}

/** Appears in the text of both sides, which are no agent's bundle. */
const noGeneration = Generation.make("0".repeat(64))

/**
 * A host is rendered with what it refers to today; what it referred to then has a history of its own. A host that is
 * disabled in a version is rendered all the same: what changed in it is what was asked.
 */
export const versionDiffOf = ({ catalogue, from, kind, to }: VersionDiffInput): Effect.Effect<VersionDiff> =>
  Effect.sync(() => {
    const tree = (data: unknown) => previewTree(entriesOf(catalogue, kind, stamped(data)), noGeneration, assumedNginx)
    return {
      from: from.version_number,
      to: to.version_number,
      changes: differences(from.data, to.data),
      rendered: treeDifferences(tree(from.data), tree(to.data))
    }
  })

/** A snapshot without its key, which reads leave out. */
const Snapshot = StoredCertificate.mapFields(Struct.omit(["private_key", "secret_version_id"]))
const unknownKey = {
  private_key: { key_id: "", wrapped_key: "", nonce: "", ciphertext: "" },
  secret_version_id: SecretVersionId.make("00000000-0000-7000-8000-000000000000")
}

/** Nothing for a version that deleted the resource, or that this program cannot read any more. */
const entriesOf = (catalogue: Catalogue, kind: VersionedKind, data: unknown): ReadonlyArray<Entry> => {
  switch (kind) {
    case "virtual_host":
      return Option.match(Schema.decodeUnknownOption(VirtualHost)(data), {
        onNone: () => [],
        onSome: (host) => hostEntries(catalogue, { ...host, enabled: true })
      })
    case "upstream":
      return Option.toArray(Option.map(Schema.decodeUnknownOption(Upstream)(data), upstreamEntry))
    case "certificate":
      return Option.toArray(
        Option.map(Schema.decodeUnknownOption(Snapshot)(data), (snapshot) =>
          certificateEntry({ ...snapshot, ...unknownKey })
        )
      )
    case "template":
      return Option.match(Schema.decodeUnknownOption(Template)(data), {
        onNone: () => [],
        onSome: (template) => {
          const host = catalogue.hostWithTemplate(template)
          if (host === undefined) return []
          const own = templateEntry(template)
          return [...hostEntries(catalogue, host).filter(({ key }) => key !== own.key), own]
        }
      })
  }
}

const hostEntries = (catalogue: Catalogue, host: VirtualHost): ReadonlyArray<Entry> => {
  const own = hostEntry(host)
  const keys = closureOf(host, catalogue.lookup, (workspaceId, name) =>
    templateKeys(workspaceId, name, catalogue.lookup)
  )
  const others = keys.filter((key) => key !== own.key).map((key) => catalogue.entry(key))
  return [own, ...others.filter((entry) => entry !== undefined)]
}
