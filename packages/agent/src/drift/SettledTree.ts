/** What a generation's directory and its surroundings were when it settled: what drift is measured against. Pure. */
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import { Schema } from "effect"
import type { Served } from "../deploy/Attempt.ts"
import { entryFile, proofFile, withDeploymentId } from "../deploy/GenerationDirectory.ts"

/** Lower-case hexadecimal. */
const sha256 = Schema.String

/** Who may read a file, as lstat(2) says it. */
const rights = { mode: Schema.Int, uid: Schema.Int, gid: Schema.Int }

export const SettledFile = Schema.Struct({ sha256, bytes: Schema.Int, ...rights })
export type SettledFile = typeof SettledFile.Type

/** The program that ran as nginx's master. */
export const NginxBuild = Schema.Struct({ sha256, version: Schema.String })
export type NginxBuild = typeof NginxBuild.Type

const hashes = Schema.Record(Schema.String, sha256)

export const SettledTree = Schema.Struct({
  directory: Schema.String,
  deployment_id: DeploymentId,
  generation: Generation,
  /** By path in the directory. */
  files: Schema.Record(Schema.String, SettledFile),
  /** The two files that carry the deployment id, whole: a way back gives them another id. */
  identified: Schema.Record(Schema.String, Schema.String),
  /** `null`: nginx did not run, so what it reads and is was not known. */
  outside: Schema.NullOr(
    Schema.Struct({
      build: NginxBuild,
      /** Configuration files that nginx reads and that are not of the tree, by absolute path. */
      foreign: hashes,
      /** Files of the directory of dynamic modules, by absolute path. */
      modules: hashes
    })
  )
})
export type SettledTree = typeof SettledTree.Type
export type Outside = NonNullable<SettledTree["outside"]>

/** Content that is known, with the rights that its file has. */
export interface KnownFile {
  readonly content: string
  readonly mode: number
}

export const identifiedFiles: ReadonlyArray<string> = [entryFile, proofFile]

export const settledFile = (content: string, mode: number, owner: { readonly uid: number; readonly gid: number }) => ({
  sha256: sha256Hex(content),
  bytes: Buffer.byteLength(content),
  mode,
  uid: owner.uid,
  gid: owner.gid
})

/** The tree under another deployment id, as `Switch.restore` leaves it. */
export const reidentified = (tree: SettledTree, { deploymentId }: Served): SettledTree => {
  if (tree.deployment_id === deploymentId) return tree
  const identified: Record<string, string> = {}
  const files = { ...tree.files }
  for (const [path, content] of Object.entries(tree.identified)) {
    const text = withDeploymentId(path, content, deploymentId)
    const before = files[path]
    identified[path] = text
    if (before !== undefined) files[path] = settledFile(text, before.mode, before)
  }
  return { ...tree, deployment_id: deploymentId, identified, files }
}

/** Private keys: their text leaves this machine in no form. */
export const isSecret = (path: string, mode: number): boolean => path.endsWith(".key") || (mode & 0o077) === 0
