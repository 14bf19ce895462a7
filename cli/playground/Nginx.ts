import { existsSync } from "node:fs"
import { mkdir, readdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { findProgram } from "../tooling/DebianPackages.ts"
import { runProgram } from "../tooling/Program.ts"
import { inPlayground } from "./Folder.ts"
import { Problem } from "./Problem.ts"
import { endProcess, identify, titleOf } from "./ProcessIdentity.ts"
import type { ProcessIdentity } from "./ProcessIdentity.ts"

/** An nginx to run, and what its process needs in its environment. */
export interface NginxProgram {
  readonly binary: string
  readonly env: Readonly<Record<string, string>>
}

const unpackFolder = inPlayground("nginx")

const run = async (folder: string, command: string, ...args: ReadonlyArray<string>) =>
  runProgram({ command, args, folder, output: "capture", timeoutMillis: 120_000 })

const fail = (output: string): never => {
  const reason = output.trim().split("\n").slice(-5).join("\n")
  throw new Problem(
    `nginx was not found, and could not be fetched:\n${reason}\nInstall it (Debian: apt-get install nginx) and start again.`
  )
}

/** apt with package lists of its own, for users who may not update those of the system. */
const privateLists = async (): Promise<ReadonlyArray<string>> => {
  const state = join(unpackFolder, "apt")
  await mkdir(join(state, "lists", "partial"), { recursive: true })
  await mkdir(join(state, "cache", "archives", "partial"), { recursive: true })
  const options = ["-o", `Dir::State::Lists=${join(state, "lists")}`, "-o", `Dir::Cache=${join(state, "cache")}`]
  const update = await run(unpackFolder, "apt-get", ...options, "update")
  return update.exitCode === 0 ? options : fail(update.output)
}

const download = async (packages: ReadonlyArray<string>): Promise<void> => {
  const first = await run(unpackFolder, "apt-get", "download", ...packages)
  if (first.exitCode === 0) return
  const second = await run(unpackFolder, "apt-get", ...(await privateLists()), "download", ...packages)
  if (second.exitCode !== 0) fail(second.output)
}

/** Unpacks what was downloaded; answers the names of the libraries that these packages depend on. */
const unpack = async (): Promise<ReadonlyArray<string>> => {
  const libraries = new Set<string>()
  for (const file of (await readdir(unpackFolder)).filter((name) => name.endsWith(".deb"))) {
    const extracted = await run(unpackFolder, "dpkg-deb", "-x", file, ".")
    if (extracted.exitCode !== 0) fail(extracted.output)
    const { output } = await run(unpackFolder, "dpkg-deb", "-f", file, "Depends")
    for (const item of output.split(",")) {
      const name = item.trim().split(/[\s:]/)[0] ?? ""
      if (/^(lib|zlib)/.test(name) && name !== "libc6") libraries.add(name)
    }
    await rm(join(unpackFolder, file))
  }
  return [...libraries]
}

const libraryFolders = async (): Promise<ReadonlyArray<string>> => {
  const folders: Array<string> = []
  for (const parent of ["lib", join("usr", "lib")]) {
    const entries = await readdir(join(unpackFolder, parent)).catch((): ReadonlyArray<string> => [])
    folders.push(
      ...entries.filter((name) => name.endsWith("-linux-gnu")).map((name) => join(unpackFolder, parent, name))
    )
  }
  return folders
}

const missesLibraries = async (binary: string): Promise<boolean> =>
  (await run(unpackFolder, "ldd", binary)).output.includes("not found")

/** Fetches nginx with apt and unpacks it below `.nxmesh`: nothing is installed, no service is started. */
export const unpackNginx = async (): Promise<NginxProgram> => {
  const binary = join(unpackFolder, "usr", "sbin", "nginx")
  if (!existsSync(binary)) {
    if ((await findProgram("apt-get")) === undefined) fail("this is no Debian: there is no apt-get")
    process.stdout.write("Fetching nginx into .nxmesh (once; nothing is installed)\n")
    await mkdir(unpackFolder, { recursive: true })
    await download(["nginx"])
    const libraries = await unpack()
    if (!existsSync(binary)) fail("the package nginx holds no /usr/sbin/nginx")
    if (await missesLibraries(binary)) {
      await download(libraries)
      await unpack()
    }
  }
  const folders = (await missesLibraries(binary)) ? await libraryFolders() : []
  return { binary, env: folders.length === 0 ? {} : { LD_LIBRARY_PATH: folders.join(":") } }
}

/** nginx from PATH or the folders of daemons, else one unpacked below `.nxmesh`. */
export const findNginx = async (): Promise<NginxProgram> => {
  const binary = await findProgram("nginx")
  return binary === undefined ? unpackNginx() : { binary, env: {} }
}

/** The nginx of an agent that runs one in this folder, when it runs. It outlives its agent, so that a site never depends on one. */
export const runningNginx = async (prefix: string): Promise<ProcessIdentity | undefined> => {
  const text = await readFile(join(prefix, "nginx.pid"), "utf8").catch(() => "")
  const pid = Number(text.trim())
  if (!(pid > 1)) return undefined
  const title = titleOf(pid)
  return title.startsWith("nginx: master process") && title.includes(prefix) ? identify(pid) : undefined
}

/** Ends it: open requests are finished first, for a few seconds. */
export const stopNginx = async (prefix: string): Promise<void> => {
  const nginx = await runningNginx(prefix)
  if (nginx === undefined) return
  await endProcess(nginx, "SIGQUIT", 3000)
}
