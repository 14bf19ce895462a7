import { readFileSync } from "node:fs"
import { basename, dirname, resolve } from "node:path"
import { rolldown } from "rolldown"
import type { Plugin } from "rolldown"
import type { Sources } from "./Sources.ts"

/** What was hashed is what is bundled, also when somebody saves a file meanwhile. */
const asHashed = ({ texts }: Sources): Plugin => ({
  name: "as-hashed",
  load: (id) => texts.get(id)
})

const besideThis = /new URL\("(\.{1,2}\/[^"]+\.\w+)", import\.meta\.url\)/g

/** A module that threads are started from becomes an entry of its own; any other file comes along as it is. */
const besideSources: Plugin = {
  name: "beside-sources",
  transform: {
    filter: { id: /\.ts$/, code: besideThis },
    handler(code, id) {
      return code.replaceAll(besideThis, (_, path: string) => {
        const file = resolve(dirname(id), path)
        const reference = file.endsWith(".ts")
          ? this.emitFile({ type: "chunk", id: file })
          : this.emitFile({ type: "asset", name: basename(file), source: readFileSync(file) })
        return `new URL(import.meta.ROLLUP_FILE_URL_${reference})`
      })
    }
  }
}

/** Nothing of ours uses it; Effect loads it when it is asked to, in a way that rolldown 1.2 does not bundle right. */
const external = ["undici"]

/** Writes one module for each entry, by its name, and what they share, into a folder. */
export const writeBundle = async (
  sources: Sources,
  /** Their full paths. */
  entries: Readonly<Record<string, string>>,
  folder: string
): Promise<void> => {
  const bundle = await rolldown({
    input: entries,
    platform: "node",
    external,
    plugins: [asHashed(sources), besideSources],
    logLevel: "warn"
  })
  try {
    await bundle.write({
      dir: folder,
      format: "esm",
      entryFileNames: "[name].mjs",
      chunkFileNames: "[name]-[hash].mjs"
    })
  } finally {
    await bundle.close()
  }
}
