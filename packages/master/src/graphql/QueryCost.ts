/**
 * Bounds on a GraphQL document, before anything of it runs: how deep it goes, how many fields it selects with its fragments spread
 * out, and how many questions to the logs it asks. Pure.
 */
import { type DocumentNode, type FragmentDefinitionNode, Kind, type SelectionSetNode } from "graphql"
import { Limits } from "../Limits.ts"

const { graphql: limits } = Limits

interface Cost {
  readonly depth: number
  readonly fields: number
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>

const nothing: Cost = { depth: 0, fields: 0 }

/** Of a valid document: its fragments spread no circles. Stops counting past the bounds, so that fragments of fragments cost nothing. */
const costOf = (selections: SelectionSetNode | undefined, fragments: Fragments, left: { fields: number }): Cost => {
  let cost = nothing
  for (const selection of selections?.selections ?? []) {
    if (left.fields < 0) break
    if (selection.kind === Kind.FIELD) left.fields -= 1
    const inner =
      selection.kind === Kind.FRAGMENT_SPREAD
        ? costOf(fragments.get(selection.name.value)?.selectionSet, fragments, left)
        : costOf(selection.selectionSet, fragments, left)
    const own = selection.kind === Kind.FIELD ? 1 : 0
    cost = { depth: Math.max(cost.depth, inner.depth + own), fields: cost.fields + inner.fields + own }
  }
  return cost
}

const questionsOf = (selections: SelectionSetNode, fragments: Fragments): number =>
  selections.selections.reduce((sum, selection) => {
    if (selection.kind === Kind.FIELD) return sum + (selection.name.value.startsWith("__") ? 0 : 1)
    const inner =
      selection.kind === Kind.FRAGMENT_SPREAD
        ? fragments.get(selection.name.value)?.selectionSet
        : selection.selectionSet
    return sum + (inner === undefined ? 0 : questionsOf(inner, fragments))
  }, 0)

/** What is wrong with it; `null` for one that may run. */
export const tooCostly = (document: DocumentNode): string | null => {
  const fragments: Fragments = new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition]] : []
    )
  )
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue
    const { depth, fields } = costOf(definition.selectionSet, fragments, { fields: limits.fieldsMax })
    if (depth > limits.depthMax) return `The query is deeper than ${limits.depthMax} fields`
    if (fields > limits.fieldsMax) return `The query selects more than ${limits.fieldsMax} fields`
    if (questionsOf(definition.selectionSet, fragments) > limits.questionsMax) {
      return `The query asks the logs more than ${limits.questionsMax} times: send several`
    }
  }
  return null
}
