import { assert, describe, it } from "@effect/vitest"
import { configurationFindings, isHealthy } from "../../src/cli/Doctor.ts"
import * as Inspection from "../../src/nginx/Inspection.ts"
import { wrapperText } from "../../src/nginx/Validation.ts"

const conf = "/etc/nginx/conf.d"
const dump = (main: string, site = "server { listen 80; }") =>
  [
    "# configuration file /etc/nginx/nginx.conf:",
    main,
    "# configuration file /etc/nginx/sites-enabled/default:",
    site,
    `# configuration file ${conf}/20260302143000-000001/http/30-default.conf:`,
    "server { listen 80 default_server; }"
  ].join("\n")
const main = `error_log /var/log/nginx/error.log;\nevents {}\nhttp { include ${conf}/current/*.conf; }`
const findings = (text: string, owns: boolean) => configurationFindings(Inspection.dumpedFiles(text), conf, owns)

describe("doctor, on a configuration", () => {
  it("is content with the include line and an error log", () => {
    const found = findings(dump(main), true)
    assert.isTrue(isHealthy(found))
    assert.isTrue(found.every(({ level }) => level === "ok"))
  })

  it("names the line to add, also when it is there in a comment only", () => {
    const found = findings(dump(`events {}\nhttp {\n# include ${conf}/current/*.conf;\n}`), true)
    assert.isFalse(isHealthy(found))
    assert.include(
      found[0]?.message,
      `add "include ${conf}/current/*.conf;" to the http block of /etc/nginx/nginx.conf`
    )
    assert.strictEqual(found[1]?.level, "advice")
  })

  it("sees a foreign default_server, and not the tree's own", () => {
    const foreign = dump(main, "server { listen 80 default_server; }")
    assert.include(findings(foreign, true)[2]?.message, "/etc/nginx/sites-enabled/default")
    assert.strictEqual(findings(foreign, true)[2]?.level, "problem")
    assert.strictEqual(findings(foreign, false)[2]?.level, "ok")
    assert.strictEqual(findings(dump(main), false)[2]?.level, "advice")
  })
})

describe("the wrapper of nginx.conf", () => {
  it("changes the include of the tree and nothing else", () => {
    assert.strictEqual(
      wrapperText(main, conf, "20260302143000-000002"),
      main.replace("/current/", "/20260302143000-000002/")
    )
    assert.isNull(wrapperText("http {}", conf, "20260302143000-000002"))
  })
})
