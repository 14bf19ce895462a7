/** What names mean at one point of a template: the context, those around it, loop data and block parameters. */
import { isList, isRecord } from "./TemplateValue.ts"
import type { TemplateRecord, TemplateValue } from "./TemplateValue.ts"

export interface Scope {
  readonly context: TemplateValue
  /** The scope that `../` means. */
  readonly parent: Scope | null
  readonly root: TemplateValue
  /** `@index`, `@first`, `@last` and `@key`. */
  readonly data: TemplateRecord
  readonly blockParameters: TemplateRecord
}

export const rootScope = (context: TemplateValue): Scope => ({
  context,
  parent: null,
  root: context,
  data: {},
  blockParameters: {}
})

export const innerScope = (
  outer: Scope,
  context: TemplateValue,
  data: TemplateRecord,
  blockParameters: TemplateRecord
): Scope => ({
  context,
  parent: outer,
  root: outer.root,
  data: { ...outer.data, ...data },
  blockParameters: { ...outer.blockParameters, ...blockParameters }
})

/** A field by its own name; `undefined` when there is none. Nothing is read through a prototype. */
const fieldOf = (value: TemplateValue, name: string): TemplateValue | undefined => {
  if (isList(value)) {
    if (name === "length") return value.length
    return /^\d{1,6}$/.test(name) ? value[Number(name)] : undefined
  }
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

const follow = (start: TemplateValue | undefined, names: ReadonlyArray<string>): TemplateValue | undefined => {
  let value = start
  for (const name of names) value = value === undefined ? undefined : fieldOf(value, name)
  return value
}

export interface PathLike {
  readonly data: boolean
  readonly depth: number
  readonly parts: ReadonlyArray<unknown>
  readonly original: string
}

/** The value that a path names; `undefined` when it names nothing. */
export const lookUp = (scope: Scope, path: PathLike): TemplateValue | undefined => {
  const parts = path.parts.filter((part) => typeof part === "string")
  if (parts.length < path.parts.length) return undefined
  const [first, ...rest] = parts
  if (path.data) {
    if (first === "root") return follow(scope.root, rest)
    return first !== undefined && Object.hasOwn(scope.data, first) ? follow(scope.data[first], rest) : undefined
  }
  let at: Scope | null = scope
  for (let depth = path.depth; depth > 0; depth--) at = at?.parent ?? null
  if (at === null) return undefined
  const ownField = path.original.startsWith("this.") || path.original.startsWith("./")
  if (path.depth === 0 && !ownField && first !== undefined && Object.hasOwn(at.blockParameters, first)) {
    return follow(at.blockParameters[first], rest)
  }
  return follow(at.context, parts)
}
