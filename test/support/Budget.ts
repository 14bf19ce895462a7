/** What each vitest project may take on two cores, in seconds. */
export const budgetSeconds = {
  unit: 210,
  simulation: 265,
  architecture: 15,
  integration: 150,
  e2e: 105,
  cluster: 120,
  chaos: 140
} as const

export type Project = keyof typeof budgetSeconds

/** What `npm test` runs, in this order. */
export const projects: ReadonlyArray<Project> = [
  "unit",
  "simulation",
  "architecture",
  "integration",
  "e2e",
  "cluster",
  "chaos"
]

/** The whole run, installation aside. What still runs then is stopped and fails. */
export const wholeRunMillis = 20 * 60 * 1000
