/** What each vitest project may take on two cores, in seconds. Together with the checks: under 20 minutes. */
export const budgetSeconds = {
  unit: 300,
  simulation: 270,
  architecture: 20,
  integration: 360,
  e2e: 180,
  chaos: 240
} as const

export type Project = keyof typeof budgetSeconds

/** What `npm test` runs. */
export const usualProjects: ReadonlyArray<Project> = ["unit", "simulation", "architecture", "integration", "e2e"]

/** With those that have to be named: `npm test chaos` breaks real clusters, as root, for minutes. */
export const projects: ReadonlyArray<Project> = [...usualProjects, "chaos"]

/** The whole run, installation aside. What still runs then is stopped and fails. */
export const wholeRunMillis = 20 * 60 * 1000
