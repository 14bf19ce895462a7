/** `nxmesh login` and `nxmesh logout`. The password comes from the terminal or a file, never from the command line. */
import { Effect, FileSystem, Option, Redacted, Stdio, Stream } from "effect"
import { Command, Flag, Prompt } from "effect/cli"
import { refused } from "./CliFailure.ts"
import { logIn, logOut } from "./MasterClient.ts"
import { masterOrigin } from "./MasterUrl.ts"
import { print } from "./Output.ts"

/** The file's text without the line's end; `-` is the standard input. */
const passwordFrom = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const stdio = yield* Stdio.Stdio
  const text = yield* (
    file === "-" ? stdio.stdin.pipe(Stream.decodeText(), Stream.mkString) : fs.readFileString(file)
  ).pipe(Effect.mapError((error) => refused(`the password cannot be read from ${file}: ${error.message}`)))
  return Redacted.make(text.replace(/\r?\n$/, ""))
})

export const login = Command.make(
  "login",
  {
    email: Flag.String("email").pipe(
      Flag.withDescription("Who you are; asked for when it is not given"),
      Flag.optional
    ),
    passwordFile: Flag.String("password-file").pipe(
      Flag.withDescription("A file that holds the password, - for the standard input; asked for when it is not given"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ email, passwordFile }) {
    const origin = yield* masterOrigin
    const who = Option.isSome(email) ? email.value : yield* Prompt.run(Prompt.String({ message: "Email" }))
    const password = Option.isSome(passwordFile)
      ? yield* passwordFrom(passwordFile.value)
      : yield* Prompt.run(Prompt.Hidden({ message: "Password" }))
    const file = yield* logIn(origin, who, password)
    yield* print({ url: origin, email: who, session_file: file }, () => `logged in at ${origin} as ${who}`)
  })
).pipe(Command.withDescription("Log in at a master, and keep the session in a file that only you can read"))

export const logout = Command.make(
  "logout",
  {},
  Effect.fnUntraced(function* () {
    const origin = yield* masterOrigin
    const ended = yield* logOut(origin)
    yield* print({ url: origin, ended }, () =>
      ended ? `the session at ${origin} has ended` : `you were not logged in at ${origin}`
    )
  })
).pipe(Command.withDescription("End the session at a master"))
