import { Data } from "effect"

/** Settings that cannot be used: each problem names the key, the value and what is allowed. */
export class SettingsError extends Data.TaggedError("SettingsError")<{ readonly problems: ReadonlyArray<string> }> {
  override get message() {
    return this.problems.join("\n")
  }
}
