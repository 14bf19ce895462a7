/**
 * Hosts of a test: network namespaces on one bridge, so that what crosses the network can be cut and slowed. Processes in the
 * namespace of this one reach every host over the bridge. Needs root on Linux (`canUseNamespaces`).
 */
import { Effect, type Scope } from "effect"
import { execFileSync } from "node:child_process"
import { networkInterfaces } from "node:os"
import { changeMachine, machine, ownName, sweep } from "./MachineMarks.ts"

export interface TestHost {
  readonly name: string
  /** IPv4. */
  readonly address: string
  /** What a command line begins with to run there. */
  readonly prefix: ReadonlyArray<string>
}

export interface TestNetwork {
  readonly hosts: ReadonlyArray<TestHost>
  /** From here on nothing that `from` sends reaches `to`, and nobody is told: packets go to a station that is not there. */
  readonly cut: (from: TestHost, to: TestHost) => Effect.Effect<void>
  readonly mend: (from: TestHost, to: TestHost) => Effect.Effect<void>
  /** Everything that a host sends shares so many kbit/s; what would wait longer than half a second is lost. */
  readonly slow: (host: TestHost, kbitPerSecond: number) => Effect.Effect<void>
  readonly hasten: (host: TestHost) => Effect.Effect<void>
}

/** Whether this process may make namespaces: as root, with iproute2 and a kernel that has them. If not, says why. */
export const canUseNamespaces = (() => {
  let known: boolean | undefined
  return (): boolean => {
    known ??= tryNamespace()
    return known
  }
})()

const tryNamespace = (): boolean => {
  try {
    execFileSync("unshare", ["--net", "ip", "link", "add", "probe", "type", "veth", "peer", "name", "other"], {
      stdio: "ignore"
    })
    return true
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    process.stderr.write(`no network namespaces here, which need root on Linux and iproute2: ${why}\n`)
    return false
  }
}

/** Nobody has it: what is sent there is lost. */
const nowhere = "02:00:00:00:00:01"

/** The first three numbers of addresses that no interface of this machine uses. */
const freePrefix = (): string => {
  const used = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? [])
  for (let step = 0; step < 256; step++) {
    const prefix = `10.${64 + (process.pid % 128)}.${((process.pid >> 7) + step) % 256}.`
    if (!used.some((address) => address.startsWith(prefix))) return prefix
  }
  throw new Error("every network that tests use is taken on this machine")
}

const makeHost = (bridge: string, prefix: string, number: number): Effect.Effect<TestHost, never, Scope.Scope> =>
  Effect.gen(function* () {
    const name = ownName(`h${number}`)
    const link = ownName(`l${number}`)
    const address = `${prefix}${number}`
    yield* changeMachine({ kind: "namespace", name }, () => void machine("ip", "netns", "add", name))
    yield* changeMachine({ kind: "link", name: link }, () => {
      machine("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
      machine("ip", "link", "set", link, "master", bridge, "up")
      machine("ip", "-n", name, "link", "set", "lo", "up")
      machine("ip", "-n", name, "address", "add", `${address}/24`, "dev", "eth0")
      machine("ip", "-n", name, "link", "set", "eth0", "up")
    })
    // nsenter replaces itself: the process has the pid that it was started with.
    return { name, address, prefix: ["nsenter", `--net=/run/netns/${name}`] }
  })

/** So many hosts that reach each other and this process; removed with the scope. What a killed run has left is removed first. */
export const testNetwork = (hostCount: number): Effect.Effect<TestNetwork, never, Scope.Scope> =>
  Effect.gen(function* () {
    yield* sweep
    const prefix = freePrefix()
    const bridge = ownName("b")
    yield* changeMachine({ kind: "link", name: bridge }, () => {
      machine("ip", "link", "add", bridge, "type", "bridge")
      machine("ip", "address", "add", `${prefix}254/24`, "dev", bridge)
      machine("ip", "link", "set", bridge, "up")
    })
    const hosts: Array<TestHost> = []
    for (let number = 1; number <= hostCount; number++) hosts.push(yield* makeHost(bridge, prefix, number))
    const neighbour = (action: string, from: TestHost, to: TestHost, ...rest: ReadonlyArray<string>) =>
      Effect.sync(() => void machine("ip", "-n", from.name, "neigh", action, to.address, "dev", "eth0", ...rest))
    return {
      hosts,
      cut: (from, to) => neighbour("replace", from, to, "lladdr", nowhere, "nud", "permanent"),
      mend: (from, to) => neighbour("del", from, to),
      slow: (host, kbitPerSecond) =>
        Effect.sync(() => {
          const rate = ["rate", `${kbitPerSecond}kbit`, "burst", "8kb", "latency", "500ms"]
          machine("tc", "-n", host.name, "qdisc", "replace", "dev", "eth0", "root", "tbf", ...rate)
        }),
      hasten: (host) => Effect.sync(() => void machine("tc", "-n", host.name, "qdisc", "del", "dev", "eth0", "root"))
    }
  })
