/** Reads what `nginx -T` prints: which file each line is from, and what foreign configuration does that concerns us. Pure. */

export interface DumpedFile {
  readonly path: string
  readonly text: string
}

/** Splits the dump at nginx's own `# configuration file …:` lines. */
export const dumpedFiles = (dump: string): ReadonlyArray<DumpedFile> => {
  const parts = dump.split(/^# configuration file (.+):$/m)
  const files: Array<DumpedFile> = []
  for (let index = 1; index + 1 < parts.length; index += 2) {
    files.push({ path: parts[index] ?? "", text: parts[index + 1] ?? "" })
  }
  return files
}

const uncommented = (text: string): string => text.replace(/(^|[\s;{}])#[^\n]*/g, "$1")

/** Files outside the tree whose text matches, by path. */
const foreign = (files: ReadonlyArray<DumpedFile>, confDirectory: string, pattern: RegExp): ReadonlyArray<string> => [
  ...new Set(
    files
      .filter(({ path, text }) => !isOurs(path, confDirectory) && pattern.test(uncommented(text)))
      .map(({ path }) => path)
  )
]

const isOurs = (path: string, confDirectory: string): boolean =>
  path.startsWith(`${confDirectory}/current/`) || /^\d{14}-\d{6,}\//.test(path.slice(confDirectory.length + 1))

/** Foreign files with a `default_server`: the tree must not render a catch-all on those ports. */
export const defaultServers = (files: ReadonlyArray<DumpedFile>, confDirectory: string): ReadonlyArray<string> =>
  foreign(files, confDirectory, /\blisten\s[^;]*\bdefault(?:_server)?\b[^;]*;/)

/** Whether any file includes `current/*.conf`. */
export const includesCurrent = (files: ReadonlyArray<DumpedFile>, confDirectory: string): boolean =>
  files.some(({ text }) => uncommented(text).includes(`${confDirectory}/current/`))

/** Whether the main context has an error_log that is a file, so that a failed reload can say why. */
export const hasMainErrorLog = (files: ReadonlyArray<DumpedFile>): boolean => {
  const main = uncommented(files[0]?.text ?? "").split(/\b(?:events|http)\s*\{/)[0] ?? ""
  return /\berror_log\s+["']?\//.test(main)
}
