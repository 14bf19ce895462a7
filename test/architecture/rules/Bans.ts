import type { RepositoryFile } from "./Repository.ts"
import { lineAt, readSource } from "./SourceText.ts"

export interface Ban {
  readonly name: string
  readonly pattern: RegExp
  readonly instead: string
}

/** What product sources do not write, and what they write instead. Comments and strings do not count. */
export const bans: ReadonlyArray<Ban> = [
  { name: "Date.now", pattern: /\bDate\.now\b/g, instead: "take the time from Clock" },
  {
    name: "new Date()",
    pattern: /\bnew Date\(\s*\)|\bnew Date\b(?!\s*\()/g,
    instead: "take the time from Clock or DateTime.now"
  },
  { name: "Math.random", pattern: /\bMath\.random\b/g, instead: "use Effect's Random, or node:crypto for secrets" },
  { name: "performance.now", pattern: /\bperformance\.now\b/g, instead: "use Clock.currentTimeNanos" },
  { name: "console", pattern: /\bconsole\s*\./g, instead: "use Effect.log and its levels" },
  {
    name: "process.env",
    pattern: /\bprocess\s*\.\s*env\b/g,
    instead: "read it with Config, in the package's Settings"
  },
  { name: "as any", pattern: /\bas\s+any\b/g, instead: "give it its type, or decode it with Schema" },
  { name: "setTimeout", pattern: /\bsetTimeout\b/g, instead: "use Effect.sleep, Effect.timeout or a Schedule" },
  { name: "setInterval", pattern: /\bsetInterval\b/g, instead: "use Effect.repeat with a Schedule" }
]

/** A file that may write what is banned, and why. */
export interface Exception {
  readonly path: string
  readonly ban: string
  readonly reason: string
}

const excepted = (exceptions: ReadonlyArray<Exception>, path: string, ban: Ban): boolean =>
  exceptions.some((exception) => exception.path === path && exception.ban === ban.name)

/** Banned words in one file. */
export const bannedWords = (file: RepositoryFile, exceptions: ReadonlyArray<Exception>): ReadonlyArray<string> => {
  const { code } = readSource(file.text)
  return bans
    .filter((ban) => !excepted(exceptions, file.path, ban))
    .flatMap((ban) =>
      [...code.matchAll(ban.pattern)].map(
        (match) => `${file.path}:${lineAt(code, match.index)} writes ${ban.name}: ${ban.instead}`
      )
    )
}

/** Exceptions that nothing needs any more. */
export const idleExceptions = (
  files: ReadonlyArray<RepositoryFile>,
  exceptions: ReadonlyArray<Exception>
): ReadonlyArray<string> =>
  exceptions
    .filter(({ path, ban }) => {
      const file = files.find((candidate) => candidate.path === path)
      return file === undefined || !bannedWords(file, []).some((found) => found.includes(` writes ${ban}:`))
    })
    .map(({ path, ban }) => `${path} does not write ${ban}: remove the exception from the list`)

const linesMax = 400

/** Files too long to be one concept. */
export const longFile = (file: RepositoryFile): ReadonlyArray<string> => {
  const lines = file.text.trimEnd().split("\n").length
  return lines > linesMax ? [`${file.path} has ${lines} lines, at most ${linesMax}: split it by concept`] : []
}

// Split, so that this file passes its own rule.
const markers = ["TO DO", "FIX ME", "X XX", "HA CK"].map((word) => word.replace(" ", ""))
const leftoverWords = new RegExp(`\\b(${markers.join("|")})\\b`, "g")

/** Work left undone: an issue can be found, a remark in a file cannot. */
export const leftoverMarkers = (file: RepositoryFile): ReadonlyArray<string> =>
  [...file.text.matchAll(leftoverWords)].map(
    (match) => `${file.path}:${lineAt(file.text, match.index)} says ${match[0]}: do it, or open an issue`
  )

const vagueNames = /^(utils?|helpers?|misc|common|shared|lib|stuff|index)$/i

/** Folders and files whose name says nothing about what they hold. */
export const vagueName = (path: string): ReadonlyArray<string> => {
  const vague = path.split("/").find((segment) => vagueNames.test(segment.replace(/\.ts$/, "")))
  return vague === undefined ? [] : [`${path}: name ${vague} after the concept that it holds`]
}
