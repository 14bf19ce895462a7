import { assert, describe, it } from "@effect/vitest"
import { builtInTemplates } from "../../src/nginx/templates/BuiltIn.ts"
import { templateClosure, validateTemplate } from "../../src/nginx/TemplateCheck.ts"

/** The example of the specification (MF-003), to the letter. */
const example = `server {
    listen {{port}} {{#if ssl}}ssl{{/if}} {{#if http2}}http2{{/if}};
    server_name {{server_name}};
    
    {{#if ssl}}
    ssl_certificate {{ssl_certificate_path}};
    ssl_certificate_key {{ssl_certificate_key_path}};
    {{/if}}
    
    location {{location_path}} {
        proxy_pass http://{{upstream_name}};
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        
        {{#each custom_headers}}
        add_header {{name}} "{{value}}";
        {{/each}}
        
        {{#if rate_limiting}}
        limit_req zone={{rate_limit_zone}} burst={{rate_limit_burst}};
        {{/if}}
    }
}
`

describe("validateTemplate", () => {
  it("accepts the specification's example and the built-in templates", () => {
    assert.deepStrictEqual(validateTemplate(example), [])
    for (const source of Object.values(builtInTemplates)) assert.deepStrictEqual(validateTemplate(source), [])
  })

  it("accepts a template made of others", () => {
    assert.deepStrictEqual(validateTemplate("{{> mine}}", new Map([["mine", "{{> default}}"]])), [])
  })

  it.each([
    ["server {\n{{#if ssl}}\n}", 3, /syntax error/],
    ["server {\n listen {{prot}};\n}", 2, /prot/],
    ["{{> gone}}", null, /no partial "gone"/],
    ["server { listen {{port}};", null, /not closed/],
    ["server { listen {{port}}; }\n}", null, /closes nothing/],
    ["load_module modules/x.so;", null, /load_module/],
    ["server { include /etc/passwd; }", null, /include/],
    ["server { listen {{port}} default_server; }", null, /default server/]
  ])("refuses %j", (source, line, message) => {
    const [problem] = validateTemplate(source)
    assert.strictEqual(problem?.line, line)
    assert.match(problem?.message ?? "", message)
  })

  it("refuses a partial without end", () => {
    const [problem] = validateTemplate("{{> loop}}", new Map([["loop", "{{> loop}}"]]))
    assert.match(problem?.message ?? "", /nest deeper/)
  })
})

describe("templateClosure", () => {
  const sources: Readonly<Record<string, string>> = { a: "{{> b}}{{> c}}", b: "{{> a}}", c: "x;", d: "y;" }
  it("names a template and all it can call, each once, also in a circle", () => {
    assert.deepStrictEqual(
      templateClosure("a", (name) => sources[name] ?? null),
      ["a", "b", "c"]
    )
    assert.deepStrictEqual(
      templateClosure("gone", (name) => sources[name] ?? null),
      []
    )
  })
})
