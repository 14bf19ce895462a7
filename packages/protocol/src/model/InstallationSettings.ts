/**
 * What holds for the whole installation and is set while it runs: replicated, one for all masters. What a single machine needs
 * to start (addresses, directories, keys) is in its environment instead.
 *
 * A section is: a file of its own with its fields and its defaults, and one line in each of the four values below. Only what
 * somebody chose is stored, so that another default of a later release reaches those who never chose.
 */
import { Schema, Struct } from "effect"
import { AuditSettings, auditSettingsDefault, auditSettingsFields } from "./AuditSettings.ts"
import { NetworkSettings, networkSettingsDefault, networkSettingsFields } from "./NetworkSettings.ts"
import { SignInSettings, signInSettingsDefault, signInSettingsFields } from "./SignInSettings.ts"
import { Revision } from "./Resource.ts"
import { Timestamp } from "./Text.ts"
import { TracingSettings, tracingSettingsDefault, tracingSettingsFields } from "./TracingSettings.ts"

/** Any of a section's fields, each chosen as a whole. */
const chosen = <Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Schema.Struct(fields).mapFields(Struct.map(Schema.optionalKey))

/** What the masters go by. */
export const InstallationSettings = Schema.Struct({
  audit: AuditSettings,
  sign_in: SignInSettings,
  network: NetworkSettings,
  tracing: TracingSettings
})
export type InstallationSettings = typeof InstallationSettings.Type

const chosenSections = {
  audit: chosen(auditSettingsFields),
  sign_in: chosen(signInSettingsFields),
  network: chosen(networkSettingsFields),
  tracing: chosen(tracingSettingsFields)
}

export const settingsDefault: InstallationSettings = {
  audit: auditSettingsDefault,
  sign_in: signInSettingsDefault,
  network: networkSettingsDefault,
  tracing: tracingSettingsDefault
}

/** What is stored: what is absent, in a section or as a whole, is as the defaults say. */
export const ChosenSettings = Schema.Struct(chosenSections).mapFields(Struct.map(Schema.optionalKey))
export type ChosenSettings = typeof ChosenSettings.Type

/** A change: the fields given replace those that were chosen, the others stay; `null` takes a whole section back to its defaults. */
export const SettingsPatch = Schema.Struct(chosenSections)
  .mapFields(Struct.map(Schema.NullOr))
  .mapFields(Struct.map(Schema.optionalKey))
  .annotate({ identifier: "SettingsPatch" })
export type SettingsPatch = typeof SettingsPatch.Type

/** As they are answered. */
export const Settings = Schema.Struct({
  ...InstallationSettings.fields,
  /** Which sections, and which of their fields, somebody chose: the others are defaults. */
  chosen: Schema.Record(Schema.String, Schema.Array(Schema.String)),
  /** `null` while nothing was ever chosen; then the revision is 1. */
  updated_at: Schema.NullOr(Timestamp),
  revision: Revision
}).annotate({ identifier: "Settings" })
export type Settings = typeof Settings.Type

type Section = keyof InstallationSettings
const sectionNames = Object.keys(settingsDefault) as ReadonlyArray<Section>

const mapSections = <A>(of: (name: Section) => A): { readonly [Name in Section]: A } =>
  Object.fromEntries(sectionNames.map((name) => [name, of(name)])) as { readonly [Name in Section]: A }

export const effectiveSettings = (stored: ChosenSettings): InstallationSettings =>
  // Each section is its default with what was chosen of that section over it.
  mapSections((name) => ({ ...settingsDefault[name], ...stored[name] })) as InstallationSettings

export const patchedSettings = (stored: ChosenSettings, patch: SettingsPatch): ChosenSettings => {
  const sections = sectionNames.flatMap((name) => {
    const change = patch[name]
    const section = change === null ? {} : { ...stored[name], ...change }
    return Object.keys(section).length === 0 ? [] : [[name, section]]
  })
  return Object.fromEntries(sections) as ChosenSettings
}

/** The names of what was chosen, by section. */
export const chosenNames = (stored: ChosenSettings): Readonly<Record<string, ReadonlyArray<string>>> =>
  Object.fromEntries(Object.entries(stored).map(([name, section]) => [name, Object.keys(section).sort()]))
