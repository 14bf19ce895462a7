// buildah in a storage of this checkout's own, by chroot and plain copies: it works inside other containers, and touches no images of the machine.

import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { inCheckout } from "../tooling/Checkout.ts"
import { runProgram } from "../tooling/Program.ts"

export const imagesFolder = inCheckout(".nxmesh", "images")

const storage = (): ReadonlyArray<string> => [
  ...["--root", join(imagesFolder, "storage"), "--runroot", join(imagesFolder, "run")],
  ...["--storage-driver", "vfs"]
]

/** Runs buildah to its end and answers what it printed; throws with its words when it fails. */
export const buildah = async (...args: ReadonlyArray<string>): Promise<string> => {
  mkdirSync(imagesFolder, { recursive: true })
  const { exitCode, output } = await runProgram({
    command: "buildah",
    args: [...storage(), ...args],
    env: { BUILDAH_ISOLATION: "chroot" },
    output: "capture"
  })
  if (exitCode === 0) return output.trim()
  throw new Error(`buildah ${args[0]} failed:\n${output.trimEnd().split("\n").slice(-20).join("\n")}`)
}

export const imageNames = {
  base: "localhost/nxmesh-base",
  agent: "localhost/nxmesh/agent",
  master: "localhost/nxmesh/master"
} as const
