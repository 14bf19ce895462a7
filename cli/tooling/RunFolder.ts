import { chmod, mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"

/** The temporary folder of one run of the suite: everything a test makes is inside, and gone at its end. */
export interface RunFolder {
  readonly path: string
  /** Marks every process of the run: see LeftProcesses. */
  readonly id: string
  readonly env: Readonly<Record<string, string>>
}

/** The variable that every process of a run carries. */
export const runVariable = "NXMESH_TEST_RUN"

export const makeRunFolder = async (): Promise<RunFolder> => {
  // Short, because paths of unix sockets end at 107 bytes; passable, because nginx workers run as another user.
  const path = await mkdtemp(join(tmpdir(), "nxm-"))
  await chmod(path, 0o711)
  const id = basename(path)
  // Tests start hundreds of threads and processes of the same modules: the first one of each compiles for all.
  return { path, id, env: { TMPDIR: path, [runVariable]: id, NODE_COMPILE_CACHE: join(path, compileCache) } }
}

/** Files that the run should have removed. */
export const leftFiles = async (folder: RunFolder): Promise<ReadonlyArray<string>> => {
  const entries = await readdir(folder.path)
  return entries.filter((name) => !belongsToNode(name)).map((name) => join(folder.path, name))
}

const compileCache = "node-compile-cache"

/** Node's own caches below TMPDIR. */
const belongsToNode = (name: string): boolean => name === compileCache || name.startsWith("node-jiti")

export const removeRunFolder = (folder: RunFolder): Promise<void> => rm(folder.path, { recursive: true, force: true })
