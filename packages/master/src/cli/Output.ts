/** What a command prints: text for people, or with `--json` the API's answer for programs. */
import { Console, Effect } from "effect"
import { Flag, GlobalFlag } from "effect/cli"

export const Json = GlobalFlag.Setting("json")({
  flag: Flag.Boolean("json").pipe(
    Flag.withoutNegation,
    Flag.withDescription("Print the API's answer as JSON"),
    Flag.withDefault(false)
  )
})

export const print = Effect.fnUntraced(function* <A>(value: A, text: (value: A) => string) {
  yield* Console.log((yield* Json) ? JSON.stringify(value, null, 2) : text(value))
})

/** Beside the answer, and never in it. */
export const note = (text: string) => Console.error(text)
