/** People. Only the hash of a password is stored, and no answer holds it. */
import { Schema } from "effect"
import { OrganizationId, UserId } from "../Ids.ts"
import { Role } from "./Permission.ts"
import { patch, stamps, withDefault } from "./Resource.ts"
import { Email, Name, Password } from "./Text.ts"

const fields = {
  email: Email,
  name: Name,
  /** A built-in role that holds everywhere. `null`: what the person may do, bindings alone say. Since cluster version 4. */
  role: Schema.NullOr(Role),
  disabled: Schema.Boolean
}
/** Whose people: an organization's own administrators see and manage them. `null`: of the installation. */
const home = Schema.NullOr(OrganizationId)

/** True: the person may do nothing but change the password. Since cluster version 4. */
const mustChange = { must_change_password: Schema.optionalKey(Schema.Boolean) }

export const User = Schema.Struct({ id: UserId, organization_id: home, ...fields, ...mustChange, ...stamps }).annotate({
  identifier: "User"
})
export type User = typeof User.Type

/** As stored: with the password's hash in PHC string format (argon2id). */
export const StoredUser = Schema.Struct({
  ...User.fields,
  /** Absent: of the installation, as all were before cluster version 4. */
  organization_id: Schema.optionalKey(OrganizationId),
  /** In PHC string format (argon2id); empty: the person has none, and signs in by a provider or a link. */
  password_hash: Schema.String
})
export type StoredUser = typeof StoredUser.Type

export const UserCreate = Schema.Struct({
  email: fields.email,
  name: fields.name,
  organization_id: withDefault(home, null),
  role: withDefault(fields.role, null),
  disabled: withDefault(fields.disabled, false),
  /** Without one the person gets a link to set it (`POST /users/{id}/password-link`), or signs in by an identity provider. */
  password: Schema.optionalKey(Schema.RedactedFromValue(Password)),
  must_change_password: Schema.optionalKey(Schema.Boolean)
}).annotate({ identifier: "UserCreate" })
export const UserPatch = patch(fields).annotate({ identifier: "UserPatch" })

export const PasswordChange = Schema.Struct({
  current_password: Schema.RedactedFromValue(Schema.String.check(Schema.isMaxLength(256))),
  new_password: Schema.RedactedFromValue(Password)
}).annotate({ identifier: "PasswordChange" })
