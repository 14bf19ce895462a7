/** Goal: no text in any field can add, remove or move a directive. Fields come from the schemas: a new one is covered. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { directivesNamed, outlineOf, readNginx } from "../../../../test/support/NginxSyntax.ts"
import type { Outline } from "../../../../test/support/NginxSyntax.ts"
import { render } from "../../src/nginx/Render.ts"
import type { RenderedTree } from "../../src/nginx/Render.ts"
import { renderInput } from "./Fixtures.ts"
import type { Parts } from "./Fixtures.ts"
import { fieldName, HostileForm, HostileText, plainHost, plainUpstream, stringFields, valueAt } from "./Hostile.ts"
import { hostFields, isSnippet, trials, upstreamFields, withoutSnippets } from "./HostileTree.ts"
import type { Trial } from "./HostileTree.ts"
import { RateLimitConfig } from "@nxmesh/protocol/model/VirtualHost"

const configuration = (tree: RenderedTree) => tree.files.filter(({ path }) => path.endsWith(".conf"))

/** Files in order, by their place only: a name may be part of a path. */
const outlines = (parts: Parts): Result.Result<ReadonlyArray<Outline>, string> => {
  const tree = render(renderInput(parts))
  return Result.isFailure(tree)
    ? Result.fail(tree.failure.message)
    : Result.succeed(configuration(tree.success).map(({ content }) => outlineOf(readNginx(content))))
}

/** What is wrong with a trial; `null` when the text did no harm. */
const harm = ({ field, outcome }: Trial): string | null => {
  if (Result.isFailure(outcome)) {
    return outcome.failure.includes(field)
      ? null
      : `refused without naming the field, but ${outcome.failure.join(", ")}`
  }
  const hostile = outlines(outcome.success.hostile)
  // A snippet that is not whole, or the name of a template that is not there.
  if (Result.isFailure(hostile)) return isSnippet(field) || field === "template" ? null : hostile.failure
  const plain = Result.getOrThrow(outlines(outcome.success.plain))
  const shape = (outline: ReadonlyArray<Outline>) => (isSnippet(field) ? outline.map(withoutSnippets) : outline)
  const same = JSON.stringify(shape(hostile.success)) === JSON.stringify(shape(plain))
  return same ? null : `changes the directives: ${JSON.stringify(hostile.success)}`
}

describe("No value becomes a directive", () => {
  it("the plain resources set every string field that the schemas have", () => {
    const missing = [
      ...hostFields.filter((path) => valueAt(plainHost, path) === undefined),
      ...upstreamFields.filter((path) => valueAt(plainUpstream, path) === undefined)
    ].map(fieldName)
    // Labels have free keys, and an agent's labels never reach nginx.
    assert.deepStrictEqual(missing, [])
    assert.isAbove(hostFields.length, 20)
    assert.deepStrictEqual(stringFields(RateLimitConfig), [])
  })

  it.effect.prop(
    "every text in every field is refused with the field named, or leaves the tree of directives as it was",
    [HostileForm, HostileText],
    ([form, parts]) =>
      Effect.sync(() => {
        for (const trial of trials(form, parts.join(""), 0x1000)) {
          const found = harm(trial)
          assert.isNull(found, `${trial.field} = ${JSON.stringify(trial.text)}: ${found}`)
        }
      }),
    { arbitrary: { runs: 150, seed: 20_260_302 }, timeout: 60_000 }
  )

  it("a header's value reaches nginx as it was written", () => {
    const values = ['he said "hi"', "a\\b", "it's; {all} #fine", "trailing \\", '\\"', "$host and more", "", "日本"]
    for (const value of values) {
      const trial = trials("alone", value, 0x1000).find(({ field }) => field === "locations[].custom_headers[].value")
      const parts = trial === undefined || Result.isFailure(trial.outcome) ? null : trial.outcome.success.hostile
      assert.isNotNull(parts, value)
      const tree = Result.getOrThrow(render(renderInput(parts)))
      const texts = configuration(tree).flatMap(({ content }) => directivesNamed(readNginx(content), "add_header"))
      assert.deepStrictEqual(texts, [["X-Plain", value, "always"]])
    }
  })
})
