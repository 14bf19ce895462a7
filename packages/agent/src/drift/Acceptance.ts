/** Which findings may become the next version, and as what: pure but for reading texts. */
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import type { DriftOffer } from "@nxmesh/protocol/link/DriftOffer"
import type { Finding } from "./DriftJudgement.ts"
import type { Texts } from "./DriftReport.ts"
import type { SettledTree } from "./SettledTree.ts"

/** Files of virtual hosts (core/nginx/GeneratedNames): the only text that a person writes. */
const isOfHost = (path: string): boolean => path.startsWith("http/20-host-")

const reasonAgainst = ({ detail, kind, path }: Finding, { found, isSecret, settled }: Texts): string | null => {
  if (kind !== "changed" || detail !== null || !isOfHost(path) || isSecret) {
    return `${path} (${kind}) cannot become a version: only the changed text of a virtual host's own file can`
  }
  if (settled === null || found === null) return `the text of ${path} is not known`
  const characters = Math.max(found.length, settled.length)
  return characters > WireLimits.templateCharactersMax
    ? `${path} is longer than the ${WireLimits.templateCharactersMax} characters that a template may have`
    : null
}

/** The offer, or why there is none: all of the findings or nothing, since a part would not be what was found. */
export const offerOf = (
  { directory, generation }: SettledTree,
  findings: ReadonlyArray<Finding>,
  textsOf: (finding: Finding) => Texts
): DriftOffer | string => {
  const files: Array<DriftOffer["files"][number]> = []
  for (const finding of findings) {
    const texts = textsOf(finding)
    const against = reasonAgainst(finding, texts)
    if (against !== null) return against
    files.push({ path: finding.path, settled: texts.settled ?? "", found: texts.found ?? "" })
  }
  const [first, ...rest] = files
  if (first === undefined) return "nothing was found"
  return files.length > WireLimits.driftedFilesMax
    ? `more than ${WireLimits.driftedFilesMax} files were changed at once`
    : { generation, directory, files: [first, ...rest] }
}
