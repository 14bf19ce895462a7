/** How people get passwords that others do not choose for them, or choose only until the next login. */
import { Schema } from "effect"
import { UserId } from "../Ids.ts"
import { withDefault } from "./Resource.ts"
import { Password, Timestamp } from "./Text.ts"

/** A link by which a person sets a password, once: an invitation, or a reset. */
export const PasswordLinkCreate = Schema.Struct({
  ttl_seconds: withDefault(Schema.Int.check(Schema.isBetween({ minimum: 300, maximum: 1_209_600 })), 259_200)
}).annotate({ identifier: "PasswordLinkCreate" })
export type PasswordLinkCreate = typeof PasswordLinkCreate.Type

/** Shown this once: who has the token sets the password. */
export const IssuedPasswordLink = Schema.Struct({
  user_id: UserId,
  token: Schema.String,
  expires_at: Timestamp,
  /** The console's page that takes it; the token is behind the `#`, which browsers send to no server. */
  link: Schema.String
}).annotate({ identifier: "IssuedPasswordLink" })
export type IssuedPasswordLink = typeof IssuedPasswordLink.Type

/** What an administrator sets for somebody else; ends that person's sessions. */
export const PasswordSet = Schema.Struct({
  new_password: Schema.RedactedFromValue(Password),
  /** True: the person may do nothing but change it. */
  must_change_password: withDefault(Schema.Boolean, true)
}).annotate({ identifier: "PasswordSet" })

export const PasswordRedeem = Schema.Struct({
  token: Schema.RedactedFromValue(Schema.String.check(Schema.isMaxLength(256))),
  new_password: Schema.RedactedFromValue(Password)
}).annotate({ identifier: "PasswordRedeem" })
