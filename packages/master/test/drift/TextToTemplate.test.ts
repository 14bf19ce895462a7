import { textToTemplate } from "@nxmesh/master/drift/TextToTemplate"
import { validateTemplate } from "@nxmesh/core/nginx/TemplateCheck"
import { certificateFiles } from "@nxmesh/core/nginx/GeneratedNames"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"

const id = "01980000-0000-7000-8000-0000deadbeef"
const directory = "20260302143000-000007"
const host = { id, name: "shop", ssl_enabled: false }
const certificate = {
  id: "01980000-0000-7000-8000-0000cafe0001",
  secret_version_id: "01980000-0000-7000-8000-0000cafe0002"
}
const head = `# virtual host shop (${id})\nupstream nxm_deadbeef_to_0123abcd {\n    server 192.0.2.1:80;\n}\n`
const body =
  "server {\n    listen 80;\n    server_name shop.test;\n    location / {\n        return 200 one;\n    }\n}\n"
const made = (found: string, more: Partial<Parameters<typeof textToTemplate>[0]> = {}) =>
  textToTemplate({ settled: head + body, found, directory, host, certificate: null, ...more })
const refusal = (found: string, more: Partial<Parameters<typeof textToTemplate>[0]> = {}) => {
  const result = made(found, more)
  return Result.isFailure(result) ? result.failure : assert.fail(`made ${result.success}`)
}

describe("textToTemplate", () => {
  it("keeps the text word for word, without what the renderer puts before it", () => {
    const edited = body.replace("one", '"two # not a comment; ${x} {2}"')
    const source = Result.getOrThrow(made(head + edited))
    assert.strictEqual(source, edited)
    assert.deepStrictEqual(validateTemplate(source), [])
  })
  it("puts the certificate's paths in as expressions, quoted or not, and nothing for a host without TLS", () => {
    const files = certificateFiles(certificate)
    const text = `server {\n    listen 443 ssl;\n    ssl_certificate /etc/nginx/conf.d/${directory}/${files.certificate};\n    ssl_certificate_key "/etc/ng inx/conf.d/${directory}/${files.key}";\n}\n`
    const source = Result.getOrThrow(made(head + text, { certificate, host: { ...host, ssl_enabled: true } }))
    assert.include(source, "    ssl_certificate {{ssl_certificate_path}};\n")
    assert.include(source, "    ssl_certificate_key {{ssl_certificate_key_path}};\n")
    assert.isTrue(source.startsWith("{{#if ssl}}\nserver {"))
    assert.deepStrictEqual(validateTemplate(source), [])
  })
  it("refuses a change of what is made from addresses", () => {
    assert.include(refusal(head.replace("192.0.2.1", "192.0.2.9") + body), "over the API")
    assert.include(refusal(body), "over the API")
  })
  it("refuses a text of another host, an expression, and a path into one deployment", () => {
    assert.include(refusal(head + body, { settled: `# virtual host other (x)\n${body}` }), "does not begin")
    assert.include(refusal(head + body.replace("one", "{{name}}")), "expression")
    assert.include(refusal(head + body.replace("one", `/etc/${directory}/x`)), directory)
  })
  it("refuses what is longer than a template may be", () => {
    assert.include(refusal(head + "#".repeat(200_000)), "longer")
  })
})
