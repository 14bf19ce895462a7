/** Settings from environment variables first, then the YAML file, then defaults. */
import { Config, Effect, Option, Result } from "effect"
import { type Definition, type Definitions, listOf, variableOf } from "./Definition.ts"
import { SettingsError } from "./SettingsError.ts"
import { readTexts, type SettingsFile } from "./SettingsFile.ts"

/** A text that was given, and how a message names it. */
interface Given {
  readonly name: string
  readonly text: string
}

/** The value, or one sentence with the name, the value unless it is secret, and what is allowed. */
const readOne = <A>({ fallback, read, secret }: Definition<A>, given: Given | null): Result.Result<A, string> =>
  given === null
    ? Result.succeed(fallback)
    : Result.mapError(
        read(given.text),
        (allowed) => `${given.name}: ${secret === true ? "the value" : JSON.stringify(given.text)} ${allowed}`
      )

/** Pure: settings from the variables and the file's text, or every problem at once. */
export const readSettings = <Shape>(
  definitions: Definitions<Shape>,
  variables: Readonly<Record<string, string>>,
  file: SettingsFile | null
): Result.Result<Shape, SettingsError> => {
  const { texts, problems: problemsOfFile } =
    file === null ? { texts: {}, problems: [] } : readTexts(file, listOf(definitions))
  const problems = [...problemsOfFile]
  const settings: Record<string, unknown> = {}
  for (const [name, definition] of Object.entries<Definition<unknown>>(definitions)) {
    const value = readOne(definition, givenFor(definition, variables, texts, file))
    if (Result.isFailure(value)) problems.push(value.failure)
    else settings[name] = value.success
  }
  // Every field of the shape has a definition, and each was read by it.
  return problems.length > 0 ? Result.fail(new SettingsError({ problems })) : Result.succeed(settings as Shape)
}

const givenFor = (
  definition: Definition<unknown>,
  variables: Readonly<Record<string, string>>,
  texts: Readonly<Record<string, string>>,
  file: SettingsFile | null
): Given | null => {
  const variable = variables[variableOf(definition)]
  // Compose files and unit files pass on what is not set as an empty text.
  if (variable !== undefined && variable !== "") return { name: variableOf(definition), text: variable }
  const text = texts[definition.key]
  return text === undefined ? null : { name: `${definition.key} in ${file?.path ?? ""}`, text }
}

/** The variables that are set, from the `ConfigProvider`. */
const environment = (definitions: ReadonlyArray<Definition<unknown>>) =>
  Effect.forEach(definitions.map(variableOf), (variable) =>
    Effect.map(
      Config.option(Config.String(variable)),
      Option.map((text) => [variable, text] as const)
    )
  ).pipe(
    Effect.map((entries) => Object.fromEntries(entries.flatMap(Option.toArray))),
    Effect.mapError((error) => new SettingsError({ problems: [String(error)] }))
  )

/** Settings from the environment and the YAML file, when there is one. */
export const settingsFrom = <Shape>(
  definitions: Definitions<Shape>,
  file: SettingsFile | null
): Effect.Effect<Shape, SettingsError> =>
  Effect.flatMap(environment(listOf(definitions)), (variables) =>
    Effect.fromResult(readSettings(definitions, variables, file))
  )
