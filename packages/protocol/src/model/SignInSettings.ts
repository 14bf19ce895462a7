/** How people sign in: a section of the installation's settings. */
import { Schema } from "effect"
import { Limits } from "../Limits.ts"

/** Where people reach the console and the API, as in `https://nxmesh.example.com`. */
const publicUrl = Schema.String.check(
  Schema.isMaxLength(Limits.urlCharactersMax),
  Schema.isPattern(/^https?:\/\/[A-Za-z0-9.:[\]-]+$/, {
    message: "must be the origin that people see, as in https://nxmesh.example.com, without a path"
  })
)

export const signInSettingsFields = {
  /** Passwords that are set from now on have at least so many characters. */
  password_characters_min: Schema.Int.check(Schema.isBetween({ minimum: Limits.passwordCharactersMin, maximum: 64 })),
  /** For links to people and for the redirect of identity providers; `null`: the address that each master advertises. */
  public_url: Schema.NullOr(publicUrl)
}

export const SignInSettings = Schema.Struct(signInSettingsFields).annotate({ identifier: "SignInSettings" })
export type SignInSettings = typeof SignInSettings.Type

export const signInSettingsDefault: SignInSettings = {
  password_characters_min: Limits.passwordCharactersMin,
  public_url: null
}
