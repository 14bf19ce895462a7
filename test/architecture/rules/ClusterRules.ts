/** The rules that keep a cluster from losing data, from diverging and from moving a fleet by mistake, and the tests that name them. */
import type { RepositoryFile } from "./Repository.ts"

/** One line for each; what follows from it is in ARCHITECTURE.md, the DESIGN.md of the packages and docs/adr. */
export const clusterRules: ReadonlyMap<number, string> = new Map([
  [1, "a directive has an order, (cluster epoch, applied index), and an agent is never sent an older one"],
  [2, "a node id is made in its data directory and is never used again once the directory is lost"],
  [3, "the leader stamps a command, and time never goes back"],
  [4, "a version holds its one resource; what is replicated of outcomes is bounded"],
  [5, "apply checks every precondition again, and one bad entry stops no master"],
  [6, "apply and schema behave as the replicated cluster version says, whatever build runs"],
  [7, "a request is done exactly once, from the edge; where that cannot be, its outcome can be asked for"],
  [8, "a leader's task works under its term alone"],
  [9, "the state may lag the log after a power cut, and the log is cut only behind what is durable"],
  [10, "another state takes the place of the state by one flip of CURRENT"],
  [11, "reads are as fresh as they say, on connections that cannot write"],
  [12, "masters compare their states, and one that differs serves nobody"],
  [13, "a slow disk or a full thread pool blocks no Raft thread; a leader whose disk stalls hands over"],
  [14, "a leader whose main thread is blocked or cannot apply hands over, and ends when it stays so"],
  [15, "a configuration is in effect when it is appended, and is undone with its entry"],
  [16, "the newest connection of an agent wins, and a minority keeps no agents"],
  [17, "what changed is watched by index, and what is no longer known is said to be compacted"],
  [18, "keys are sealed under a file that is never sent; an identity in the data directory overrides every setting"],
  [19, "an agent makes its own keys, and any master verifies it"],
  [20, "what an operator needs at night: frozen restores, reads without a quorum, alarms, recovery"]
])

/** A text in quotes on one line, as titles are. */
const quoted = /"(?:[^"\\\n]|\\.)*"|`(?:[^`\\\n]|\\.)*`/g
const named = /\brules? (\d+(?:(?:, | and )(?:rule )?\d+)*)/g

const isComment = (line: string): boolean => /^\s*(?:\/\/|\/?\*)/.test(line)

/** The numbers that titles of a file of tests name, as in "(rule 8)", "rule 20: …" and "(rules 2 and 12)". */
export const rulesNamedIn = ({ text }: RepositoryFile): ReadonlySet<number> => {
  const texts = text
    .split("\n")
    .filter((line) => !isComment(line))
    .flatMap((line) => line.match(quoted) ?? [])
  const numbers = texts.flatMap((title) =>
    [...title.matchAll(named)].flatMap(([, list = ""]) => (list.match(/\d+/g) ?? []).map(Number))
  )
  return new Set(numbers)
}

/** Rules that no test names, and numbers of no rule. */
export const untestedRules = (files: ReadonlyArray<RepositoryFile>): ReadonlyArray<string> => {
  const found = files.map((file) => ({ path: file.path, rules: rulesNamedIn(file) }))
  const unknown = found.flatMap(({ path, rules }) =>
    [...rules].filter((number) => !clusterRules.has(number)).map((number) => `${path}: there is no rule ${number}`)
  )
  const missing = [...clusterRules]
    .filter(([number]) => !found.some(({ rules }) => rules.has(number)))
    .map(
      ([number, rule]) =>
        `rule ${number} (${rule}): no test names it; put "(rule ${number})" into the title of the test that shows it`
    )
  return [...missing, ...unknown]
}
