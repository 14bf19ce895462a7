/** People. Only the hash of a password is stored, and no answer holds it. */
import { Schema } from "effect"
import { UserId } from "../Ids.ts"
import { Role } from "./Permission.ts"
import { patch, stamps, withDefault } from "./Resource.ts"
import { Email, Name, Password } from "./Text.ts"

const fields = { email: Email, name: Name, role: Role, disabled: Schema.Boolean }

export const User = Schema.Struct({ id: UserId, ...fields, ...stamps }).annotate({ identifier: "User" })
export type User = typeof User.Type

/** As stored: with the password's hash in PHC string format (argon2id). */
export const StoredUser = Schema.Struct({ ...User.fields, password_hash: Schema.String })
export type StoredUser = typeof StoredUser.Type

export const UserCreate = Schema.Struct({
  email: fields.email,
  name: fields.name,
  role: fields.role,
  disabled: withDefault(fields.disabled, false),
  password: Schema.RedactedFromValue(Password)
}).annotate({ identifier: "UserCreate" })
export const UserPatch = patch(fields).annotate({ identifier: "UserPatch" })

export const PasswordChange = Schema.Struct({
  current_password: Schema.RedactedFromValue(Schema.String.check(Schema.isMaxLength(256))),
  new_password: Schema.RedactedFromValue(Password)
}).annotate({ identifier: "PasswordChange" })
