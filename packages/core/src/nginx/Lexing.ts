/**
 * Where in nginx's grammar a text stands. A template's output is followed character by character with the rules of
 * nginx's own reader, so that a value can be written in the form its place needs and can never end that place.
 *
 * Source: nginx 1.22, `ngx_conf_read_token` in `ngx_conf_file.c`.
 */

/** `statement`: before a directive's name. `gap`: before an argument. `closed`: just after a closing quote. */
export const places = ["statement", "gap", "bare", "double", "single", "closed", "comment"] as const
export type Place = (typeof places)[number]

/** What the character before may change: a backslash keeps the next one, a `$` lets `{` be part of a word. */
type Pending = "none" | "escape" | "variable"

export interface LexicalState {
  readonly place: Place
  /** True while nothing but the directive's name has begun. In a comment: what held before it. */
  readonly name: boolean
  readonly pending: Pending
}

const pendings: ReadonlyArray<Pending> = ["none", "escape", "variable"]
/** Every state there is, made once: states are compared and remembered by identity. */
const states: Readonly<Record<Place, Readonly<Record<"name" | "argument", Readonly<Record<Pending, LexicalState>>>>>> =
  table(places, (place) =>
    table(["name", "argument"], (word) => table(pendings, (pending) => ({ place, name: word === "name", pending })))
  )

function table<const K extends string, V>(keys: ReadonlyArray<K>, make: (key: K) => V): Readonly<Record<K, V>> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<K, V>
}

const stateOf = (place: Place, name: boolean, pending: Pending = "none"): LexicalState =>
  states[place][name ? "name" : "argument"][pending]

/** The start of a file, and the place after `;`, `{` and `}`. */
export const statementStart = stateOf("statement", true)
const isSpace = (character: string) =>
  character === " " || character === "\t" || character === "\n" || character === "\r"

const startWord = (character: string, name: boolean, start: LexicalState): LexicalState => {
  if (isSpace(character)) return start
  switch (character) {
    case ";":
    case "{":
    case "}":
      return statementStart
    case "#":
      return stateOf("comment", name)
    case "\\":
      return stateOf("bare", name, "escape")
    case '"':
      return stateOf("double", name)
    case "'":
      return stateOf("single", name)
    case "$":
      return stateOf("bare", name, "variable")
    default:
      return stateOf("bare", name)
  }
}

const insideWord = (state: LexicalState, character: string): LexicalState => {
  const { name, place, pending } = state
  if (character === "{" && pending === "variable") return state
  if (character === "\\") return stateOf(place, name, "escape")
  if (character === "$") return stateOf(place, name, "variable")
  if (place === "double") return character === '"' ? stateOf("closed", name) : stateOf("double", name)
  if (place === "single") return character === "'" ? stateOf("closed", name) : stateOf("single", name)
  if (isSpace(character)) return stateOf("gap", false)
  return character === ";" || character === "{" ? statementStart : stateOf("bare", name)
}

const afterQuote = (character: string): LexicalState => {
  if (isSpace(character)) return stateOf("gap", false)
  // nginx goes on at `)` alone (for `if`); what else may stand here is an error, which the parser reports.
  return character === ";" || character === "{" ? statementStart : stateOf("bare", false)
}

const step = (state: LexicalState, character: string): LexicalState => {
  if (state.place === "comment") {
    if (character !== "\n") return state
    return state.name ? statementStart : stateOf("gap", false)
  }
  if (state.pending === "escape") return stateOf(state.place, state.name)
  switch (state.place) {
    case "statement":
      return startWord(character, true, statementStart)
    case "gap":
      return startWord(character, false, state)
    case "closed":
      return afterQuote(character)
    default:
      return insideWord(state, character)
  }
}

/** The state after `text`, when `state` holds before it. */
export const advance = (state: LexicalState, text: string): LexicalState => {
  let current = state
  for (const character of text) current = step(current, character)
  return current
}
