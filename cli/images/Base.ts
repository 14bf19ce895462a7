// The base that images are built on here: Debian with nginx, made by debootstrap once a month, because its packages get security updates.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { runProgram } from "../tooling/Program.ts"
import { buildah, imageNames, imagesFolder } from "./Buildah.ts"

const suite = "bookworm"

/** nginx is for the tests, which have no image of it otherwise. */
const packages = ["nginx", "ca-certificates"]

const run = async (command: string, ...args: ReadonlyArray<string>): Promise<void> => {
  const { exitCode, output } = await runProgram({ command, args: [...args], output: "capture" })
  if (exitCode !== 0) throw new Error(`${command} failed:\n${output.trimEnd().split("\n").slice(-20).join("\n")}`)
}

/** The archive of the base; made when this month's is not there. */
export const baseArchive = async (): Promise<string> => {
  const folder = join(imagesFolder, "base")
  const archive = join(folder, `${suite}-${new Date().toISOString().slice(0, 7)}.tar`)
  if (existsSync(archive)) return archive
  process.stdout.write(`making a base of Debian ${suite} (once a month; a minute or two)\n`)
  mkdirSync(folder, { recursive: true })
  const aside = join(folder, `making-${process.pid}`)
  try {
    await run("debootstrap", "--variant=minbase", `--include=${packages.join(",")}`, suite, aside)
    rmSync(join(aside, "var/cache/apt/archives"), { recursive: true, force: true })
    rmSync(join(aside, "var/lib/apt/lists"), { recursive: true, force: true })
    // A device cannot be copied in a container without the right to make one, and no image needs any.
    await run(
      "tar",
      "--create",
      "--exclude=./dev/*",
      "--exclude=./proc/*",
      "--file",
      `${archive}.making`,
      "-C",
      aside,
      "."
    )
    for (const old of readdirSync(folder)) if (old.endsWith(".tar")) rmSync(join(folder, old))
    renameSync(`${archive}.making`, archive)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
  return archive
}

/** Imports the base, unless this very archive is an image already. */
export const baseImage = async (): Promise<void> => {
  const archive = await baseArchive()
  const label = archive.slice(dirname(archive).length + 1)
  const known = await buildah("images", "--quiet", "--filter", `label=nxmesh.base=${label}`)
  if (known !== "") return
  const container = await buildah("from", "scratch")
  try {
    await buildah("add", container, archive, "/")
    await buildah("config", "--label", `nxmesh.base=${label}`, container)
    await buildah("commit", container, imageNames.base)
  } finally {
    await buildah("rm", container)
  }
}
