/**
 * A second reader of nginx's syntax, for tests: written from the token rules of `ngx_conf_file.c` as one table of
 * character classes per state, and sharing nothing with `core/nginx/Parse`, so that a mistake in one is not repeated.
 */

export interface Node {
  readonly words: ReadonlyArray<string>
  /** `null` for a simple directive. */
  readonly children: ReadonlyArray<Node> | null
}

type Mode = "between" | "plain" | "double" | "single" | "after-quote" | "comment"

interface Level {
  readonly nodes: Array<Node>
}

class Machine {
  mode: Mode = "between"
  private escaped = false
  private dollar = false
  private word = ""
  private words: Array<string> = []
  private readonly levels: Array<Level> = [{ nodes: [] }]

  accept(character: string): void {
    if (this.mode === "comment") {
      if (character === "\n") this.mode = "between"
      return
    }
    if (this.mode === "between") return this.begin(character)
    if (this.mode === "after-quote") {
      if (" \t\r\n;{".includes(character)) {
        this.mode = "between"
        return this.begin(character)
      }
      if (character === ")") {
        this.mode = "plain"
        this.word = character
        return
      }
      throw new Error(`${JSON.stringify(character)} after a quote`)
    }
    if (this.escaped) {
      this.escaped = false
      this.word += `\\${character}`
      return
    }
    if (character === "{" && this.dollar) {
      this.word += character
      return
    }
    this.dollar = character === "$"
    if (character === "\\") this.escaped = true
    else if (this.mode === "double" && character === '"') this.finish("after-quote")
    else if (this.mode === "single" && character === "'") this.finish("after-quote")
    else if (this.mode === "plain" && " \t\r\n;{".includes(character)) {
      this.finish("between")
      this.begin(character)
    } else this.word += character
  }

  end(): ReadonlyArray<Node> {
    const [root] = this.levels
    if (this.mode !== "between" && this.mode !== "comment") throw new Error("the text ends inside a word")
    if (this.words.length > 0 || this.levels.length !== 1 || root === undefined) throw new Error("the text ends early")
    return root.nodes
  }

  private begin(character: string): void {
    switch (character) {
      case " ":
      case "\t":
      case "\r":
      case "\n":
        return
      case "#":
        this.mode = "comment"
        return
      case ";":
        return this.close(null)
      case "{": {
        const nodes: Array<Node> = []
        this.close(nodes)
        this.levels.push({ nodes })
        return
      }
      case "}":
        if (this.words.length > 0 || this.levels.length === 1) throw new Error("a } out of place")
        this.levels.pop()
        return
      case '"':
        this.mode = "double"
        return
      case "'":
        this.mode = "single"
        return
      case "\\":
        this.mode = "plain"
        this.escaped = true
        return
      default:
        this.mode = "plain"
        this.dollar = character === "$"
        this.word = character
    }
  }

  private finish(mode: Mode): void {
    const meanings: Readonly<Record<string, string>> = { '"': '"', "'": "'", "\\": "\\", t: "\t", r: "\r", n: "\n" }
    this.words.push(this.word.replace(/\\(.)/gs, (pair, character: string) => meanings[character] ?? pair))
    this.word = ""
    this.dollar = false
    this.mode = mode
  }

  private close(children: ReadonlyArray<Node> | null): void {
    if (this.words.length === 0) throw new Error("a directive without a name")
    this.levels.at(-1)?.nodes.push({ words: this.words, children })
    this.words = []
  }
}

/** The tree of one file. Throws on what nginx would refuse. */
export const readNginx = (text: string): ReadonlyArray<Node> => {
  const machine = new Machine()
  for (const character of text) machine.accept(character)
  return machine.end()
}

/** The files in the output of `nginx -T`, by path. */
export const filesOfDump = (output: string): ReadonlyMap<string, string> => {
  const files = new Map<string, string>()
  const parts = output.split(/^# configuration file (\/.+):\n/m)
  for (let index = 1; index + 1 < parts.length; index += 2) {
    // nginx ends every file of the dump with an empty line.
    files.set(String(parts[index]), String(parts[index + 1]).replace(/\n\n$/, "\n"))
  }
  return files
}

/** Only names and nesting: what must not depend on any value. */
export type Outline = ReadonlyArray<readonly [name: string, inside: Outline | null]>
export const outlineOf = (nodes: ReadonlyArray<Node>): Outline =>
  nodes.map(({ children, words }) => [words[0] ?? "", children === null ? null : outlineOf(children)])

/** All directives of one name, wherever they stand. */
export const directivesNamed = (nodes: ReadonlyArray<Node>, name: string): ReadonlyArray<ReadonlyArray<string>> =>
  nodes.flatMap(({ children, words }) => [
    ...(words[0] === name ? [words.slice(1)] : []),
    ...(children === null ? [] : directivesNamed(children, name))
  ])
