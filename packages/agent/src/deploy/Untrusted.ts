/** Which resources of a bundle hold text that a person wrote as nginx would read it: nobody vouches for it. Pure. */
import { type BundleResource, bundleKey } from "@nxmesh/protocol/model/Bundle"

/** Keys of the hosts with a snippet, or with a template that is not built in. */
export const untrustedHosts = (resources: ReadonlyArray<BundleResource>): ReadonlySet<string> => {
  const templates = new Set(resources.flatMap(({ _tag, key }) => (_tag === "template" ? [key] : [])))
  return new Set(
    resources.flatMap((resource) => {
      if (resource._tag !== "virtual_host") return []
      const { locations, snippet, template, workspace_id } = resource.data
      const isUntrusted =
        snippet !== null ||
        locations.some((location) => location.snippet !== null) ||
        templates.has(bundleKey.template(workspace_id, template))
      return isUntrusted ? [resource.key] : []
    })
  )
}
