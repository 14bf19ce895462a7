// Builds what docker/ describes, from this checkout as it is.

import { join } from "node:path"
import { inCheckout } from "../tooling/Checkout.ts"
import { baseImage } from "./Base.ts"
import { buildah, imageNames } from "./Buildah.ts"

/** The dependencies and the Node of this checkout stand in for what the build would install from a registry. */
const mounted = (): ReadonlyArray<string> => [
  ...["--volume", `${inCheckout("node_modules")}:/source/node_modules:ro`],
  ...["--volume", `${process.execPath}:/usr/local/bin/node:ro`]
]

const build = async (program: "agent" | "master"): Promise<void> => {
  const started = performance.now()
  await buildah(
    ...[
      "build",
      "--format",
      "docker",
      "--layers=false",
      "--pull=never",
      "--network",
      "none",
      "--tag",
      imageNames[program]
    ],
    ...["--build-arg", `BASE=${imageNames.base}`, "--build-arg", `BUILDER=${imageNames.base}`],
    ...mounted(),
    ...["--file", inCheckout("docker", program, "Dockerfile"), inCheckout()]
  )
  process.stdout.write(`built ${imageNames[program]} in ${Math.round((performance.now() - started) / 1000)} s\n`)
}

export const buildImages = async (): Promise<void> => {
  await baseImage()
  await build("agent")
  await build("master")
  // What the builds of before have left.
  await buildah("rmi", "--prune")
}

/** A container of an image as a folder: its root. The caller removes it with `removeContainer`. */
export const mountContainer = async (image: string): Promise<{ readonly name: string; readonly root: string }> => {
  const name = await buildah("from", "--pull=never", image)
  return { name, root: join(await buildah("mount", name)) }
}

export const removeContainer = (name: string): Promise<string> => buildah("rm", name)
