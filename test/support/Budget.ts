/** What each vitest project may take on two cores, in seconds. */
export const budgetSeconds = {
  unit: 245,
  simulation: 250,
  architecture: 10,
  integration: 155,
  e2e: 100,
  cluster: 110,
  chaos: 135
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
