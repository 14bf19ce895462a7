/**
 * A source text seen in two ways, both as long as the original, so that positions agree: `code` has neither comments nor the contents
 * of strings and regular expressions, `uncommented` lacks only the comments. What is left out is blanks; line ends stay.
 */
export interface SourceText {
  readonly code: string
  readonly uncommented: string
}

type Kind = "code" | "comment" | "text"

interface Scan {
  readonly source: string
  readonly kinds: Array<Kind>
  position: number
  /** One entry per `${` that is open: how many braces are open inside it. */
  readonly templateBraces: Array<number>
  /** The last character of code that is no blank, and the word that ends there: they tell a division from a regular expression. */
  lastCode: string
}

const take = (scan: Scan, kind: Kind, length: number): void => {
  const end = Math.min(scan.position + length, scan.source.length)
  for (; scan.position < end; scan.position += 1) scan.kinds[scan.position] = kind
}

const takeCode = (scan: Scan): void => {
  const character = scan.source.charAt(scan.position)
  if (/\S/.test(character)) scan.lastCode = (scan.lastCode + character).slice(-12)
  else if (/\w$/.test(scan.lastCode)) scan.lastCode = `${scan.lastCode} `.slice(-12)
  take(scan, "code", 1)
}

const takeComment = (scan: Scan): boolean => {
  const { source, position } = scan
  if (source.startsWith("//", position)) {
    const end = source.indexOf("\n", position)
    take(scan, "comment", (end < 0 ? source.length : end) - position)
    return true
  }
  if (!source.startsWith("/*", position)) return false
  const end = source.indexOf("*/", position + 2)
  take(scan, "comment", (end < 0 ? source.length : end + 2) - position)
  return true
}

/** Up to the closing delimiter, which may be escaped, or stand in a class of a regular expression. */
const takeDelimited = (scan: Scan, delimiter: string): void => {
  takeCode(scan)
  let inClass = false
  while (scan.position < scan.source.length) {
    const character = scan.source.charAt(scan.position)
    if (character === "\n") return
    if (character === delimiter && !inClass) return takeCode(scan)
    if (delimiter === "/" && character === "[") inClass = true
    if (delimiter === "/" && character === "]") inClass = false
    take(scan, "text", character === "\\" ? 2 : 1)
  }
}

const takeTemplate = (scan: Scan): void => {
  while (scan.position < scan.source.length) {
    const character = scan.source.charAt(scan.position)
    if (character === "`") return takeCode(scan)
    if (scan.source.startsWith("${", scan.position)) {
      takeCode(scan)
      takeCode(scan)
      scan.templateBraces.push(0)
      return
    }
    take(scan, "text", character === "\\" ? 2 : 1)
  }
}

const startsRegularExpression = (lastCode: string): boolean =>
  lastCode === "" ||
  /[=(,[!&|?:;{}<>+\-*%~^]\s*$/.test(lastCode) ||
  /\b(return|case|typeof|yield|of|in|await)\s*$/.test(lastCode)

const takeBrace = (scan: Scan, character: string): void => {
  const depth = scan.templateBraces.at(-1)
  takeCode(scan)
  if (depth === undefined) return
  if (character === "{") scan.templateBraces[scan.templateBraces.length - 1] = depth + 1
  else if (depth > 0) scan.templateBraces[scan.templateBraces.length - 1] = depth - 1
  else {
    scan.templateBraces.pop()
    takeTemplate(scan)
  }
}

const step = (scan: Scan): void => {
  const character = scan.source.charAt(scan.position)
  if (character === "/" && takeComment(scan)) return
  if (character === '"' || character === "'") takeDelimited(scan, character)
  else if (character === "/" && startsRegularExpression(scan.lastCode)) takeDelimited(scan, "/")
  else if (character === "`") {
    takeCode(scan)
    takeTemplate(scan)
  } else if (character === "{" || character === "}") takeBrace(scan, character)
  else takeCode(scan)
}

const keep = (scan: Scan, kept: (kind: Kind) => boolean): string =>
  [...scan.kinds.keys()]
    .map((index) => {
      const character = scan.source.charAt(index)
      return character === "\n" || kept(scan.kinds[index] ?? "code") ? character : " "
    })
    .join("")

/** Reads a TypeScript source far enough to tell code from comments, strings, templates and regular expressions. */
export const readSource = (source: string): SourceText => {
  const scan: Scan = { source, kinds: [], position: 0, templateBraces: [], lastCode: "" }
  while (scan.position < source.length) step(scan)
  return { code: keep(scan, (kind) => kind === "code"), uncommented: keep(scan, (kind) => kind !== "comment") }
}

/** The line of a position, counted from 1. */
export const lineAt = (source: string, position: number): number => source.slice(0, position).split("\n").length
