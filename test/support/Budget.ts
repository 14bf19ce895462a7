/** What each vitest project may take on two cores, in seconds. */
export const budgetSeconds = {
  unit: 245,
  simulation: 150,
  architecture: 10,
  integration: 155,
  e2e: 100,
  console: 60,
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
  "console",
  "cluster",
  "chaos"
]

/**
 * When what still runs is stopped, and fails: the run hangs. The budgets are what keeps it under twenty minutes; a busy
 * machine may take longer.
 */
export const wholeRunMillis = 28 * 60 * 1000
