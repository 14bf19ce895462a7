/** Rendered text read back by a reader that is not the renderer's. */
import { Result } from "effect"
import { directivesNamed, readNginx } from "../../../../test/support/NginxSyntax.ts"
import { render } from "../../src/nginx/Render.ts"
import type { RenderInput } from "../../src/nginx/Render.ts"
import { certificate, fileText, host, location, renderInput, renderParts } from "./Fixtures.ts"
import type { Parts } from "./Fixtures.ts"

export const hostFile = /^http\/20-/
export const upstreamFile = /^http\/10-/
export const read = (parts: Parts, path: RegExp, fields: Partial<RenderInput> = {}) =>
  readNginx(fileText(renderParts(parts, fields), path))
export const named = (parts: Parts, name: string, fields: Partial<RenderInput> = {}, path = hostFile) =>
  directivesNamed(read(parts, path, fields), name)
export const failure = (parts: Parts, fields: Partial<RenderInput> = {}) => {
  const tree = render(renderInput(parts, fields))
  return Result.isFailure(tree) ? tree.failure : null
}
export const files = certificate(0xc1)
export const tls = { ssl_enabled: true, ssl_certificate_id: files.id, listen_port: 443 }
export const secure = (fields: Parameters<typeof host>[1] = {}) => ({
  hosts: [host(1, { ...tls, ...fields })],
  certificates: [files]
})
export const proxied = (fields: Parameters<typeof location>[0]) => ({
  hosts: [host(1, { locations: [location(fields)] })]
})
