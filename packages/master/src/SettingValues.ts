/** How the texts of the master's own settings are read. */
import type { Reader } from "@nxmesh/core/settings/SettingValues"
import { Email, Password } from "@nxmesh/protocol/model/Text"
import { Redacted, Result, Schema } from "effect"

export const readEmail: Reader<string> = (text) =>
  Schema.is(Email)(text) ? Result.succeed(text) : Result.fail("must be an email address")

export const readPassword: Reader<Redacted.Redacted<string>> = (text) =>
  Schema.is(Password)(text) ? Result.succeed(Redacted.make(text)) : Result.fail("must have 12 to 256 characters")
