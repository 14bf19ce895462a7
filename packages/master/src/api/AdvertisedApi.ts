/** Where clients are told to find the API, when that is not where it listens. */
import { type Address, addressText } from "@nxmesh/core/settings/SettingValues"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { OpenApi } from "effect/http-api"
import type { SettingsShape } from "../Settings.ts"

/** The API listens without TLS, so what is reached by another port than 443 is taken for plain HTTP. */
export const originOf = ({ host, port }: Address): string =>
  port === 443 ? new URL(`https://${addressText({ host, port })}`).origin : `http://${addressText({ host, port })}`

/** The API whose document names its server; without one, clients use the address that the document came from. */
export const advertisedApi = ({ advertiseHttp }: Pick<SettingsShape, "advertiseHttp">): typeof NxMeshApi =>
  advertiseHttp === null
    ? NxMeshApi
    : (NxMeshApi.annotate(OpenApi.Servers, [{ url: originOf(advertiseHttp) }]) as typeof NxMeshApi)
