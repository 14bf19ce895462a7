/** The rules that hold for passwords in this installation now. Those that were set before keep. */
import { Context, Effect, Layer, Redacted } from "effect"
import { InstallationSettings } from "../settings/InstallationSettings.ts"
import { passwordProblem, type Whose } from "./PasswordStrength.ts"
import { PasswordTooWeak } from "./SessionErrors.ts"

export class PasswordRules extends Context.Service<
  PasswordRules,
  {
    /** `field` is the request's, for the refusal. */
    readonly require: (
      password: Redacted.Redacted<string>,
      whose: Whose,
      field: string
    ) => Effect.Effect<void, PasswordTooWeak>
  }
>()("@nxmesh/master/auth/PasswordRules") {
  static readonly layer = Layer.effect(
    PasswordRules,
    Effect.gen(function* () {
      const settings = yield* InstallationSettings
      return PasswordRules.of({
        require: Effect.fn("PasswordRules.require")(function* (password, whose, field) {
          const { sign_in } = yield* settings.current
          const problem = passwordProblem(Redacted.value(password), whose, sign_in.password_characters_min)
          if (problem !== null) return yield* new PasswordTooWeak({ field, problem })
        })
      })
    })
  )
}
