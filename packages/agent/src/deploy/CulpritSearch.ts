/**
 * Which resources keep nginx from accepting a tree, found by testing parts of it: pure, the tests are somebody else's. What
 * a refusal blames is taken out and the rest is tried again; a refusal that blames nobody halves what is left to try. A part
 * that passed stays in for all further tests, so of two that clash the later one is found.
 *
 * A *unit* is a resource. Units come in an order in which each follows those that it requires, and a part always holds what
 * its units require. `k` culprits among `n` take at most about `2 k log2 n` tests.
 */

export type Unit = string

export interface Refused<E> {
  readonly passed: false
  readonly error: E
  /** Whose file the error names; `null`: nobody's. */
  readonly blamed: Unit | null
}
export type Verdict<E> = { readonly passed: true } | Refused<E>

export interface Culprit<E> {
  readonly unit: Unit
  readonly error: E
}

interface Group<E> {
  readonly units: ReadonlyArray<Unit>
  /** What is known of this group together with all that came before it, as long as none of them is taken out. */
  readonly known: { readonly verdict: Refused<E>; readonly count: number } | null
}

export interface Search<E> {
  readonly requires: (unit: Unit) => ReadonlyArray<Unit>
  /** Passed, all together. */
  readonly good: ReadonlyArray<Unit>
  readonly groups: ReadonlyArray<Group<E>>
  readonly culprits: ReadonlyArray<Culprit<E>>
  /** Whether the tree passes without any unit that is still to be tried: else the fault is in none of them. */
  readonly isGoodTested: boolean
  /** Set when the tree is refused without any unit: there is no culprit to find. */
  readonly hopeless: E | null
}

export interface Begin<E> {
  readonly units: ReadonlyArray<Unit>
  readonly requires: (unit: Unit) => ReadonlyArray<Unit>
  /** What is known of all units together. */
  readonly whole: Refused<E>
  /** Culprits of a time before: tried last, so that they cost no search when they still are what is wrong. */
  readonly suspects?: ReadonlySet<Unit>
}

/** Everything that cannot be without `unit`, itself among it. */
const withDependents = (
  unit: Unit,
  units: ReadonlyArray<Unit>,
  requires: Search<unknown>["requires"]
): ReadonlySet<Unit> => {
  const lost = new Set([unit])
  // One pass is enough: each unit follows those that it requires.
  for (const one of units) if (requires(one).some((required) => lost.has(required))) lost.add(one)
  return lost
}

export const begin = <E>({ requires, suspects = new Set(), units, whole }: Begin<E>): Search<E> => {
  const late = new Set<Unit>()
  for (const unit of units) if (suspects.has(unit) || requires(unit).some((one) => late.has(one))) late.add(unit)
  const rest = units.filter((unit) => !late.has(unit))
  const known = { verdict: whole, count: units.length }
  const groups: ReadonlyArray<Group<E>> =
    late.size === 0 || rest.length === 0
      ? [{ units, known }]
      : [
          { units: rest, known: null },
          { units: units.filter((unit) => late.has(unit)), known }
        ]
  return infer({ requires, good: [], groups, culprits: [], isGoodTested: false, hopeless: null })
}

/** What to test next; `null` when the search has ended: without a culprit more, or without hope. */
export const next = <E>({ good, groups, hopeless }: Search<E>): ReadonlyArray<Unit> | null => {
  const [group] = groups
  return hopeless !== null || group === undefined ? null : [...good, ...group.units]
}

/** What the test of `next` makes of the search. */
export const advance = <E>(search: Search<E>, verdict: Verdict<E>): Search<E> => {
  const [group, ...rest] = search.groups
  if (group === undefined) return search
  if (!verdict.passed) return infer(refused(search, group, rest, verdict))
  return infer({ ...search, good: [...search.good, ...group.units], groups: rest, isGoodTested: true })
}

/** Draws every conclusion that needs no test. */
const infer = <E>(search: Search<E>): Search<E> => {
  let state = search
  for (let more = concluded(state); more !== null; more = concluded(state)) state = more
  return state
}

/** One conclusion; `null` when the next step is a test, or there is none. */
const concluded = <E>(search: Search<E>): Search<E> | null => {
  const [group, ...rest] = search.groups
  if (group === undefined || search.hopeless !== null) return null
  if (group.units.length === 0 && search.isGoodTested) return { ...search, groups: rest }
  const isKnown = group.known?.count === search.good.length + group.units.length
  return isKnown && group.known !== null ? refused(search, group, rest, group.known.verdict) : null
}

const refused = <E>(
  search: Search<E>,
  group: Group<E>,
  rest: ReadonlyArray<Group<E>>,
  verdict: Refused<E>
): Search<E> => {
  const all = [...search.good, ...group.units, ...rest.flatMap(({ units }) => units)]
  const lost = verdict.blamed === null ? null : withDependents(verdict.blamed, all, search.requires)
  if (verdict.blamed !== null && lost !== null && group.units.some((unit) => lost.has(unit))) {
    return without(search, { unit: verdict.blamed, error: verdict.error }, lost)
  }
  const known = { verdict, count: search.good.length + group.units.length }
  if (!search.isGoodTested) {
    return group.units.length === 0
      ? { ...search, hopeless: verdict.error }
      : { ...search, groups: [{ units: [], known: null }, { ...group, known }, ...rest] }
  }
  const [only] = group.units
  if (only !== undefined && group.units.length === 1) {
    return without(search, { unit: only, error: verdict.error }, withDependents(only, all, search.requires))
  }
  const half = Math.ceil(group.units.length / 2)
  return {
    ...search,
    groups: [{ units: group.units.slice(0, half), known: null }, { units: group.units.slice(half), known }, ...rest]
  }
}

const without = <E>(search: Search<E>, culprit: Culprit<E>, lost: ReadonlySet<Unit>): Search<E> => {
  const keep = (units: ReadonlyArray<Unit>) => units.filter((unit) => !lost.has(unit))
  return {
    ...search,
    good: keep(search.good),
    groups: search.groups.map((group) => ({ ...group, units: keep(group.units) })),
    culprits: [...search.culprits, culprit]
  }
}
