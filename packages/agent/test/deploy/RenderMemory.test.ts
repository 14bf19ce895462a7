import { assert, describe, it } from "@effect/vitest"
import { settledIn } from "@nxmesh/agent/deploy/BundleRenderer"
import { RenderMemory } from "@nxmesh/agent/deploy/RenderMemory"
import { forbiddenIn } from "@nxmesh/core/nginx/Forbidden"
import { makeBundle, makeResource, type ResourceContent } from "@nxmesh/core/nginx/Generation"
import { render, type RenderInput } from "@nxmesh/core/nginx/Render"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import { Result } from "effect"
import * as Fixtures from "../../../core/test/nginx/Fixtures.ts"

const placeholder = "placeholder-x"
const certificate = Fixtures.certificate(0xc)
const upstream = Fixtures.upstream(0xb)
const parts: Fixtures.Parts = {
  certificates: [certificate],
  upstreams: [upstream],
  templates: [Fixtures.customTemplate("mine", "# one\n{{> default}}")],
  hosts: [
    Fixtures.host(1),
    Fixtures.host(2, { ssl_enabled: true, ssl_certificate_id: certificate.id, listen_port: 443 }),
    Fixtures.host(3, { locations: [Fixtures.location({ upstream_id: upstream.id })] }),
    Fixtures.host(4, { locations: [Fixtures.location({ proxy_pass: "http://app.example:80" })] }),
    Fixtures.host(5, { template: "mine" })
  ]
}
const start = Fixtures.renderInput(parts)

const withMemory = (input: RenderInput, memory: RenderMemory) => {
  const rendered = render({ ...input, directory: placeholder }, memory.hostRenderer(input.bundle))
  return Result.map(rendered, ({ files, warnings }) => ({
    files: settledIn(files, placeholder, input.directory),
    warnings
  }))
}

/** The bundle with this resource instead of the one with its key; all others stay the same objects. */
const put = ({ resources }: Bundle, content: ResourceContent): Bundle => {
  const resource = makeResource(content)
  return makeBundle([...resources.filter(({ key }) => key !== resource.key), resource])
}
const without = ({ resources }: Bundle, tag: Bundle["resources"][number]["_tag"]): Bundle =>
  makeBundle(resources.filter(({ _tag }) => _tag !== tag))

const changes: ReadonlyArray<readonly [what: string, change: Partial<RenderInput>]> = [
  ["nothing", {}],
  ["the directory", { directory: "20260302143000-000008" }],
  ["a host", { bundle: put(start.bundle, { _tag: "virtual_host", data: Fixtures.host(1, { gzip_enabled: true }) }) }],
  [
    "a socket that a host shares",
    {
      bundle: put(start.bundle, {
        _tag: "virtual_host",
        data: Fixtures.host(1, { real_ip: { from: ["10.0.0.0/8"], header: "proxy_protocol", recursive: false } })
      })
    }
  ],
  [
    "a certificate's key",
    {
      bundle: put(start.bundle, {
        _tag: "certificate",
        data: Fixtures.certificate(0xc, { secret_version_id: Fixtures.certificate(0xd).secret_version_id })
      })
    }
  ],
  [
    "an upstream's name",
    { bundle: put(start.bundle, { _tag: "upstream", data: Fixtures.upstream(0xb, { name: "other" }) }) }
  ],
  [
    "a template",
    { bundle: put(start.bundle, { _tag: "template", data: Fixtures.customTemplate("mine", "# two\n{{> default}}") }) }
  ],
  ["an address", { addresses: new Map([["app.example", ["192.0.2.9"]]]) }],
  ["nginx", { nginx: Fixtures.nginx128 }],
  ["the certificate is gone", { bundle: without(start.bundle, "certificate") }],
  ["the upstream is gone", { bundle: without(start.bundle, "upstream") }]
]

describe("RenderMemory", () => {
  for (const [what, change] of changes) {
    it(`a tree is what it is without memory, there and back, when this changed: ${what}`, () => {
      const memory = new RenderMemory()
      const changed = { ...start, ...change }
      for (const input of [start, changed, start, changed]) {
        assert.deepStrictEqual(withMemory(input, memory), render(input))
      }
    })
  }

  it("renders and checks one host when one changed", () => {
    const memory = new RenderMemory()
    const before = Result.getOrThrow(render(start, memory.hostRenderer(start.bundle)))
    const data = Fixtures.host(1, { gzip_enabled: true })
    const bundle = put(start.bundle, { _tag: "virtual_host", data })
    const after = Result.getOrThrow(render({ ...start, bundle }, memory.hostRenderer(bundle)))
    const hosts = after.files.filter(({ resource }) => resource?.kind === "virtual_host")
    assert.deepStrictEqual(
      hosts.filter((file) => !before.files.includes(file)).map(({ resource }) => resource?.name),
      ["site 1"]
    )
  })

  it("finds what is forbidden again, and looks anew when the log directory is another one", () => {
    const memory = new RenderMemory()
    const { bundle } = Fixtures.renderInput({ hosts: [Fixtures.host(1, { snippet: "access_log /srv/logs/x;" })] })
    const check = (logDirectory: string) => {
      const tree = Result.getOrThrow(render({ ...start, bundle }, memory.hostRenderer(bundle)))
      return forbiddenIn(tree, { logDirectory }, memory.fileCheck()).length
    }
    assert.deepStrictEqual(["/srv/logs", "/var/log", "/var/log", "/srv/logs"].map(check), [0, 1, 1, 0])
  })
})
