/** What holds for the whole installation: one resource, whose sections are read and changed together. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { Settings, SettingsPatch } from "../model/InstallationSettings.ts"
import { withDefault } from "../model/Resource.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { one } from "./Envelope.ts"
import { ifMatch, ifNoneMatch } from "./Requests.ts"
import { oneHeaders } from "./ResourceEndpoints.ts"

const example = { network: { agent_allowlist: ["10.0.0.0/8", "2001:db8::/32"] } }

export class SettingsApi extends HttpApiGroup.make("settings")
  .add(
    HttpApiEndpoint.get("get", "/", {
      headers: ifNoneMatch,
      success: one(Settings),
      error: ApiErrors
    }).annotateMerge(demands("cluster:read", { headers: oneHeaders })),
    HttpApiEndpoint.patch("change", "/", {
      query: Schema.Struct({
        /** Saves also a list of addresses that shuts out whoever asks. */
        force: withDefault(Schema.Literals(["true", "false"]), "false")
      }),
      headers: ifMatch,
      payload: SettingsPatch,
      success: one(Settings),
      error: ApiErrors
    }).annotateMerge(demands("cluster:write", { headers: oneHeaders, example }))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/settings") {}
