/** Where clients are told to find the API, when that is not where it listens. */
import { type Address, addressText } from "@nxmesh/core/settings/SettingValues"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { OpenApi } from "effect/http-api"
import type { SettingsShape } from "../Settings.ts"

/** Without TLS of the API's own, what is reached by port 443 has TLS in front of it, and everything else is plain HTTP. */
export const originOf = ({ host, port }: Address, isTls = false): string =>
  isTls || port === 443
    ? new URL(`https://${addressText({ host, port })}`).origin
    : `http://${addressText({ host, port })}`

/** The API whose document names its server; without one, clients use the address that the document came from. */
export const advertisedApi = ({
  advertiseHttp,
  tlsCertificateFile = null
}: Pick<SettingsShape, "advertiseHttp"> & Partial<Pick<SettingsShape, "tlsCertificateFile">>): typeof NxMeshApi =>
  advertiseHttp === null
    ? NxMeshApi
    : (NxMeshApi.annotate(OpenApi.Servers, [
        { url: originOf(advertiseHttp, tlsCertificateFile !== null) }
      ]) as typeof NxMeshApi)
