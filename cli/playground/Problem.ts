/** Something that the person at the terminal can do something about: its message is printed alone, without a stack. */
export class Problem extends Error {
  override readonly name = "Problem"
}

/** What to print of anything that was thrown. */
export const describeProblem = (problem: unknown): string =>
  problem instanceof Problem
    ? problem.message
    : problem instanceof Error
      ? (problem.stack ?? problem.message)
      : String(problem)
