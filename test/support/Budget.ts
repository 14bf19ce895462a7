/** What each vitest project may take on two cores, in seconds. Together with the checks: under 20 minutes. */
export const budgetSeconds = {
  unit: 240,
  simulation: 270,
  architecture: 20,
  integration: 300,
  e2e: 480,
  chaos: 240
} as const

export type Project = keyof typeof budgetSeconds

export const projects: ReadonlyArray<Project> = ["unit", "simulation", "architecture", "integration", "e2e", "chaos"]

/** The whole run, installation aside. What still runs then is stopped and fails. */
export const wholeRunMillis = 20 * 60 * 1000
