import { assert, describe, it } from "@effect/vitest"
import { findProgram, missingMessage, missingPrograms } from "../../cli/tooling/DebianPackages.ts"
import { requiredPrograms } from "../support/Packages.ts"

const absent = { program: "nxmesh-absent-1", debianPackage: "absent", purpose: "proves that it is missed" }

describe("programs that the suite needs", () => {
  it("are found on PATH and in the folders of daemons", async () => {
    assert.strictEqual(await findProgram(absent.program), undefined)
    assert.match((await findProgram("sh")) ?? "", /\/sh$/)
    assert.deepStrictEqual(await missingPrograms([absent, { ...absent, program: "sh" }]), [absent])
  })

  it("are told with their purpose and one line that installs them", () => {
    const message = missingMessage([absent, { ...absent, program: "nxmesh-absent-2" }])
    assert.match(message, /nxmesh-absent-1 \(Debian package absent\): proves that it is missed/)
    assert.match(message, /apt-get install --no-install-recommends absent$/)
  })

  it("are each named once", () => {
    const names = requiredPrograms.map(({ program }) => program)
    assert.strictEqual(new Set(names).size, names.length)
  })
})
