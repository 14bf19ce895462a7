/** docker/ as far as files tell: what `npm run images -- --test` runs, and npm test has no time for. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseAllDocuments, parseDocument } from "yaml"
import { variableOf } from "@nxmesh/core/settings/Definition"
import { definitions as ofAgent } from "@nxmesh/agent/Settings"
import { definitions as ofMaster } from "@nxmesh/master/Settings"
import { inCheckout } from "../../cli/tooling/Checkout.ts"

const text = (...path: ReadonlyArray<string>) => readFileSync(inCheckout("docker", ...path), "utf8")
const variables = {
  agent: new Set(Object.values(ofAgent).map(variableOf)),
  master: new Set(Object.values(ofMaster).map(variableOf))
}

/** Variables that no setting has. */
const unknown = (program: "agent" | "master", names: ReadonlyArray<string>) =>
  names.filter((name) => name.startsWith("NXMESH_") && !variables[program].has(name))

const programOf = (image: string): "agent" | "master" | null => {
  const name = /^nxmesh\/(agent|master)$/.exec(image)?.[1]
  return name === "agent" || name === "master" ? name : null
}

interface Service {
  readonly image: string
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: ReadonlyArray<string>
  readonly depends_on?: ReadonlyArray<string> | Readonly<Record<string, unknown>>
  readonly pid?: string
  readonly network_mode?: string
}

for (const file of ["compose.yaml", "compose.ha.yaml"]) {
  describe(file, () => {
    const document = parseDocument(text(file), { merge: true })
    const compose = document.toJS() as {
      readonly services: Readonly<Record<string, Service>>
      readonly volumes: Readonly<Record<string, unknown>>
    }
    const services = Object.entries(compose.services)

    it("parses", () => assert.deepStrictEqual(document.errors, []))

    it("sets only what the programs know", () => {
      for (const [name, { environment = {}, image }] of services) {
        const program = programOf(image)
        if (program !== null) assert.deepStrictEqual(unknown(program, Object.keys(environment)), [], name)
      }
    })

    it("names services, volumes and files that are there", () => {
      const used = new Set<string>()
      for (const [name, service] of services) {
        if (service.build !== undefined) {
          assert.isTrue(existsSync(inCheckout("docker", service.build.context, service.build.dockerfile)), name)
        }
        const others = Array.isArray(service.depends_on) ? service.depends_on : Object.keys(service.depends_on ?? {})
        const joined = [service.pid, service.network_mode].flatMap(
          (mode) => /^service:(.+)$/.exec(mode ?? "")?.[1] ?? []
        )
        for (const other of [...others, ...joined]) assert.property(compose.services, other, name)
        for (const volume of service.volumes ?? []) {
          const [from = ""] = volume.split(":")
          if (from.startsWith(".")) assert.isTrue(existsSync(inCheckout("docker", from)), volume)
          else used.add(from)
        }
      }
      assert.deepStrictEqual([...used].sort(), Object.keys(compose.volumes).sort())
    })

    it("lets each agent see its nginx: one PID namespace, one network, and the same volumes at the same paths", () => {
      for (const [name, agent] of services.filter(([, { image }]) => programOf(image) === "agent")) {
        const nginx = compose.services[/^service:(.+)$/.exec(agent.pid ?? "")?.[1] ?? ""]
        assert.strictEqual(agent.pid, agent.network_mode, name)
        const shared = (agent.volumes ?? []).filter((volume) => !volume.includes("agent"))
        assert.includeMembers([...(nginx?.volumes ?? [])], shared, name)
        assert.lengthOf(shared, 3, name)
      }
    })

    it("lets the masters form a cluster of as many as there are", () => {
      const masters = services.filter(([, { build, image }]) => programOf(image) === "master" && build !== undefined)
      if (masters.length === 1) return
      for (const [name, { environment = {} }] of masters) {
        assert.strictEqual(Number(environment["NXMESH_BOOTSTRAP_EXPECT"]), masters.length, name)
        assert.deepStrictEqual(
          environment["NXMESH_JOIN"]?.split(","),
          masters.map(([other]) => `${other}:8443`)
        )
        assert.strictEqual(environment["NXMESH_ADVERTISE_AGENT"], `${name}:8443`)
      }
    })
  })
}

describe("kubernetes.yaml", () => {
  const documents = parseAllDocuments(text("kubernetes.yaml"))
  const objects = documents.map((document) => document.toJS()) as ReadonlyArray<any>
  const workloads = objects.filter(({ kind }) => kind === "StatefulSet")

  it("parses, with one object of each name", () => {
    for (const document of documents) assert.deepStrictEqual(document.errors, [])
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    assert.lengthOf(new Set(names), names.length)
  })

  it("sets only what the programs know", () => {
    for (const { spec } of workloads) {
      for (const { env = [], image } of spec.template.spec.containers) {
        const program = programOf(image)
        const names = env.map(({ name }: { readonly name: string }) => name)
        if (program !== null) assert.deepStrictEqual(unknown(program, names), [])
      }
    }
  })

  it("mounts volumes that its pods have, and shares those of nginx with the agent", () => {
    for (const { metadata, spec } of workloads) {
      const { containers, initContainers = [], volumes } = spec.template.spec
      const claims = spec.volumeClaimTemplates.map(({ metadata: { name } }: any) => name)
      const known = new Set([...volumes.map(({ name }: any) => name), ...claims])
      for (const { volumeMounts } of [...containers, ...initContainers]) {
        for (const { name } of volumeMounts) assert.isTrue(known.has(name), `${metadata.name}: ${name}`)
      }
      const mounts = (image: RegExp) =>
        containers
          .filter((container: any) => image.test(container.image))
          .flatMap(({ volumeMounts }: any) => volumeMounts.map((one: any) => `${one.name}:${one.mountPath}`))
      if (spec.template.spec.shareProcessNamespace !== true) continue
      const shared = mounts(/agent/).filter((mount: string) => !mount.startsWith("data:"))
      assert.includeMembers(mounts(/^nginx:/), shared, metadata.name)
    }
  })

  it("gives the agent of tier 2 nginx's user and nobody a capability", () => {
    const { spec } = workloads.find(({ metadata }) => metadata.name === "edge-restricted").spec.template
    assert.isTrue(spec.securityContext.runAsNonRoot)
    for (const { securityContext } of spec.containers) {
      assert.isUndefined(securityContext.runAsUser)
      assert.deepStrictEqual(securityContext.capabilities.drop, ["ALL"])
    }
  })

  it("names every master to every master and agent", () => {
    const masters = workloads.find(({ metadata }) => metadata.name === "nxmesh-master")
    const names = Array.from({ length: masters.spec.replicas }, (_, index) => `nxmesh-master-${index}.`)
    for (const { env } of workloads.flatMap(({ spec }) => spec.template.spec.containers)) {
      const value = env?.find(({ name }: any) => ["NXMESH_JOIN", "NXMESH_MASTER_URL"].includes(name))?.value
      if (value !== undefined) for (const name of names) assert.include(value, name)
    }
  })
})

describe("the Dockerfiles", () => {
  for (const program of ["agent", "master"] as const) {
    it(`of the ${program} sets what it knows, and has a health check, a signal to stop and a user`, () => {
      const dockerfile = text(program, "Dockerfile")
      assert.deepStrictEqual(unknown(program, dockerfile.match(/NXMESH_[A-Z_]+/g) ?? []), [])
      for (const word of ["HEALTHCHECK", "STOPSIGNAL SIGTERM", "USER ", "LABEL ", "ARG BASE="]) {
        assert.include(dockerfile, word)
      }
    })
  }

  it("leave dependencies, history and data out of the build", () => {
    const ignored = readFileSync(inCheckout(".dockerignore"), "utf8").split("\n")
    assert.includeMembers(ignored, ["**/node_modules", ".git", ".nxmesh"])
    assert.isTrue(existsSync(join(inCheckout(), "docker", "nginx", "start.sh")))
  })
})
