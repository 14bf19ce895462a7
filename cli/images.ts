// `npm run images [-- --test]`: builds the images of docker/ with buildah, on a Debian base made by debootstrap, without a registry.
// With --test they are started as well, and drive an nginx (test/images).

import { imagePrograms } from "../test/support/Packages.ts"
import { buildImages } from "./images/Build.ts"
import { ensurePrograms } from "./tooling/DebianPackages.ts"
import { runNode, stopRunning } from "./tooling/Program.ts"
import { inCheckout } from "./tooling/Checkout.ts"

const main = async (): Promise<number> => {
  if (process.getuid?.() !== 0 || process.platform !== "linux") {
    process.stderr.write("images are built as root on Linux: debootstrap and chroot need it\n")
    return 2
  }
  const missing = await ensurePrograms(imagePrograms)
  if (missing !== undefined) {
    process.stderr.write(`${missing}\n`)
    return 1
  }
  await buildImages()
  if (!process.argv.includes("--test")) return 0
  const vitest = inCheckout("node_modules/vitest/vitest.mjs")
  return (await runNode([vitest, "run", "--project", "images"], { output: "inherit" })).exitCode
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stopRunning)
process.channel?.unref()
process.exitCode = await main()
