/** Raw directives that a person wrote. They stand inside a block of the tree, so they must be whole by themselves. */
import { Result } from "effect"
import { parseNginx } from "./Parse.ts"
import type { SyntaxProblem } from "./Parse.ts"

/** Why a snippet cannot stand alone, such as a brace that closes what it did not open; `null` when it can. */
export const snippetSyntaxProblem = (snippet: string | null): SyntaxProblem | null => {
  if (snippet === null) return null
  const parsed = parseNginx(snippet)
  return Result.isFailure(parsed) ? parsed.failure : null
}
