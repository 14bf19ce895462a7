import { projects } from "../../test/support/Budget.ts"
import type { Project } from "../../test/support/Budget.ts"

/** What `npm test -- <arguments>` asks for. */
export interface Selection {
  readonly checks: boolean
  readonly projects: ReadonlyArray<Project>
  /** Paths, or parts of paths, of the test files to run; none means all. */
  readonly filters: ReadonlyArray<string>
}

const projectOf = (path: string): ReadonlyArray<Project> => {
  const normalized = path.replace(/^\.\//, "")
  if (/^(packages|test\/(cli|support|chaos\/decisions))\//.test(normalized)) return ["unit"]
  if (normalized.startsWith("test/chaos")) return ["cluster", "chaos"]
  const folder = projects.filter((project) => normalized.startsWith(`test/${project}`))
  return folder.length > 0 ? folder : projects
}

/** Everything without arguments; else the named parts (`check`, `unit`, `e2e`, …), or the parts that hold the named files. */
export const select = (args: ReadonlyArray<string>): Selection => {
  if (args.length === 0) return { checks: true, projects: projects, filters: [] }
  const named = projects.filter((project) => args.includes(project))
  const filters = args.filter((arg) => arg !== "check" && !projects.some((project) => project === arg))
  const holding = filters.flatMap(projectOf)
  const wanted = named.length > 0 ? named : holding
  return { checks: args.includes("check"), projects: projects.filter((project) => wanted.includes(project)), filters }
}
