import { access, chmod, constants, rename, rm, writeFile } from "node:fs/promises"
import { delimiter, join } from "node:path"
import type { RequiredProgram } from "../../test/support/Packages.ts"
import { runProgram } from "./Program.ts"

/** Where Debian keeps daemons; not on the PATH of an ordinary user. */
const systemFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin"]

/** PATH with the folders of daemons at its end. */
export const searchPath = (): string => [process.env["PATH"] ?? "", ...systemFolders].join(delimiter)

/** The full path of a program, or undefined. */
export const findProgram = async (program: string): Promise<string | undefined> => {
  for (const folder of searchPath().split(delimiter)) {
    if (folder === "") continue
    const path = join(folder, program)
    if (await isExecutable(path)) return path
  }
  return undefined
}

const isExecutable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false
  )

/** Those of the given programs that this machine does not have. */
export const missingPrograms = async (
  required: ReadonlyArray<RequiredProgram>
): Promise<ReadonlyArray<RequiredProgram>> => {
  const found = await Promise.all(required.map((item) => findProgram(item.program)))
  return required.filter((_, index) => found[index] === undefined)
}

/** What an operator without root, or without apt, is told. */
export const missingMessage = (missing: ReadonlyArray<RequiredProgram>): string =>
  [
    "The suite needs programs that this machine does not have:",
    ...missing.map((item) => `  ${item.program} (Debian package ${item.debianPackage}): ${item.purpose}`),
    `As root: apt-get install --no-install-recommends ${packagesOf(missing).join(" ")}`
  ].join("\n")

const packagesOf = (missing: ReadonlyArray<RequiredProgram>): ReadonlyArray<string> => [
  ...new Set(missing.map((item) => item.debianPackage))
]

const policyFile = "/usr/sbin/policy-rc.d"
const policyAside = "/usr/sbin/policy-rc.d.nxmesh-aside"

/**
 * Runs an action while Debian's maintainer scripts may start no service (invoke-rc.d asks policy-rc.d, and 101 means "forbidden").
 * An existing policy is put aside and restored, also after a failure.
 */
const withoutServiceStarts = async <A>(action: () => Promise<A>): Promise<A> => {
  const hadPolicy = await rename(policyFile, policyAside).then(
    () => true,
    () => false
  )
  try {
    await writeFile(policyFile, "#!/bin/sh\nexit 101\n")
    await chmod(policyFile, 0o755)
    return await action()
  } finally {
    if (hadPolicy) await rename(policyAside, policyFile)
    else await rm(policyFile, { force: true })
  }
}

const apt = (...args: ReadonlyArray<string>) =>
  runProgram({
    command: "apt-get",
    args: ["-o", "DPkg::Lock::Timeout=120", ...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    output: "capture"
  })

const installPackages = async (packages: ReadonlyArray<string>): Promise<string | undefined> => {
  const install = () => apt("install", "-y", "--no-install-recommends", ...packages)
  const first = await install()
  if (first.exitCode === 0) return undefined
  // The lists of packages may be absent or old.
  await apt("update")
  const second = await install()
  return second.exitCode === 0 ? undefined : second.output.trimEnd().split("\n").slice(-10).join("\n")
}

/**
 * Sees to it that the programs are there: installs the missing ones as root, without starting a service.
 * Answers what to tell the operator when some are still missing.
 */
export const ensurePrograms = async (required: ReadonlyArray<RequiredProgram>): Promise<string | undefined> => {
  const missing = await missingPrograms(required)
  if (missing.length === 0) return undefined
  if (process.getuid?.() !== 0 || (await findProgram("apt-get")) === undefined) return missingMessage(missing)
  const packages = packagesOf(missing)
  process.stdout.write(`Installing Debian packages for the suite, starting no service: ${packages.join(" ")}\n`)
  const problem = await withoutServiceStarts(() => installPackages(packages))
  if (problem !== undefined) return `${problem}\n${missingMessage(missing)}`
  const still = await missingPrograms(required)
  return still.length === 0 ? undefined : missingMessage(still)
}
