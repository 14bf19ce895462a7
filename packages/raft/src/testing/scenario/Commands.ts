/** What a scenario may say. A command is a verb and words; words of the form `name=value` may come in any order. */
import { defaultOptions } from "../../core/Options.ts"
import type { Options } from "../../core/Options.ts"
import type { Survival } from "../../storage/file/SimulatedDisk.ts"
import { expanded } from "./Description.ts"
import { defaultSettings } from "./ScenarioCluster.ts"
import type { ScenarioCluster } from "./ScenarioCluster.ts"

export type Words = ReadonlyArray<string>
export type Command = (cluster: ScenarioCluster, words: Words) => void

const encoder = new TextEncoder()

const settingsOf = (words: Words): Readonly<Record<string, string>> =>
  Object.fromEntries(words.filter((word) => word.includes("=")).map((word) => word.split("=", 2) as [string, string]))

const namesOf = (words: Words): Words => words.filter((word) => !word.includes("="))

const listOf = (text: string | undefined): ReadonlyArray<string> =>
  text === undefined || text === "" ? [] : text.split(",")

const optionOf = (text: string): boolean | number | string => {
  if (text === "true" || text === "false") return text === "true"
  return /^\d+$/.test(text) ? Number(text) : text
}

const assertNone = (settings: Readonly<Record<string, string>>): void => {
  const names = Object.keys(settings)
  if (names.length > 0) throw new Error(`unknown settings ${names.join(", ")}`)
}

const optionsOf = (settings: Readonly<Record<string, string>>): Partial<Options> => {
  assertNone(Object.fromEntries(Object.entries(settings).filter(([name]) => !(name in defaultOptions))))
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, optionOf(value)]))
}

/** `unflushed=lost`, `kept`, or `torn:20`: of the first sector that was not flushed 20 bytes are there. */
const survivalOf = (unflushed = "lost"): Survival => {
  const [kind, bytes] = unflushed.split(":")
  if (kind === "torn") return { kind: "prefix", count: 0, tornBytes: Number(bytes) }
  if (kind !== "lost" && kind !== "kept") throw new Error(`unflushed is lost, kept or torn:<bytes>, not ${kind}`)
  return { kind: kind === "kept" ? "all" : "none" }
}

const members: Readonly<Record<string, Command>> = {
  /** `cluster m1 m2 m3 learners=m4 preVote=false`: voters, learners, and settings of every node. */
  cluster: (cluster, words) => {
    const { core, log, sessions } = defaultSettings
    const { learners, segmentBytes, sessions: sessionsMax, state = "memory", ...options } = settingsOf(words)
    cluster.form(namesOf(words), listOf(learners), {
      core: { ...core, ...optionsOf(options) },
      log: segmentBytes === undefined ? log : { ...log, segmentBytes: Number(segmentBytes) },
      sessions: sessionsMax === undefined ? sessions : { ...sessions, sessionsMax: Number(sessionsMax) },
      hasDurableState: state === "durable"
    })
  },
  /** A node that waits to be added. */
  join: (cluster, [id = "", ...words]) => cluster.add(id, null, optionsOf(settingsOf(words))),
  members: (cluster, [id = "", ...words]) => {
    const { voters, learners, autoLeave } = settingsOf(words)
    cluster.node(id).feed({
      _tag: "ProposeConfiguration",
      context: cluster.context("c"),
      voters: listOf(voters),
      learners: listOf(learners),
      autoLeave: autoLeave !== "false",
      expectedIndex: null
    })
  },
  leave: (cluster, [id = ""]) => cluster.node(id).feed({ _tag: "LeaveJoint", context: cluster.context("c") }),
  /** `crash m1 unflushed=kept`: the power goes. */
  crash: (cluster, words) => {
    const { unflushed, ...rest } = settingsOf(words)
    assertNone(rest)
    for (const id of namesOf(words)) cluster.node(id).crash(survivalOf(unflushed))
  },
  kill: (cluster, ids) => ids.forEach((id) => cluster.node(id).kill()),
  /** `restart m1 m2 preVote=true`: from here on with other settings. */
  restart: (cluster, words) => {
    const { unflushed, ...settings } = settingsOf(words)
    for (const id of namesOf(words)) cluster.restart(id, survivalOf(unflushed), optionsOf(settings))
  }
}

const time: Readonly<Record<string, Command>> = {
  tick: (cluster, [which = "", count = "1"]) => {
    for (let i = 0; i < Number(count); i++) for (const node of cluster.chosen([which])) cluster.tick(node)
  },
  /** So many ticks of every node, after each of which all messages are delivered. */
  run: (cluster, [count = "1"]) => {
    for (let i = 0; i < Number(count); i++) {
      for (const node of cluster.chosen([])) cluster.tick(node)
      cluster.stabilize()
    }
  },
  /** A process that sleeps: its clock stands still, and what is for it waits. */
  pause: (cluster, [id = ""]) => cluster.links.pause(cluster.node(id).id),
  resume: (cluster, [id = ""]) => cluster.links.resume(id)
}

const network: Readonly<Record<string, Command>> = {
  /** `deliver m1>m2 1`: only the oldest. Without a link all that waits, everywhere; answers wait for the next time. */
  deliver: (cluster, [link, count]) => void cluster.deliver(link, count === undefined ? undefined : Number(count)),
  stabilize: (cluster) => cluster.stabilize(),
  drop: (cluster, [link]) => void cluster.links.take(link),
  /** What waits in a link is late: it waits on until it `arrive`s, after everything sent meanwhile. */
  delay: (cluster, [link, count]) => cluster.links.delay(link, count === undefined ? undefined : Number(count)),
  arrive: (cluster) => cluster.links.arrive(),
  duplicate: (cluster, [link = ""]) => cluster.links.duplicate(link),
  reverse: (cluster, [link]) => cluster.links.reverse(link),
  corrupt: (cluster, [link = ""]) => cluster.links.corrupt(link),
  cut: (cluster, links) => links.forEach((link) => cluster.links.cut(link)),
  /** `partition m1 m2 | m3`: only those of a group reach each other. */
  partition: (cluster, words) => {
    const groups = words
      .join(" ")
      .split("|")
      .map((group) => group.trim().split(" "))
    cluster.links.keepOnly(cluster.ids, (from, to) =>
      groups.some((group) => group.includes(from) && group.includes(to))
    )
  },
  /** `mesh m1-m2 m2-m3`: only these pairs reach each other. */
  mesh: (cluster, pairs) =>
    cluster.links.keepOnly(
      cluster.ids,
      (from, to) => pairs.includes(`${from}-${to}`) || pairs.includes(`${to}-${from}`)
    ),
  heal: (cluster) => cluster.links.heal(),
  unreachable: (cluster, [id = "", peer = ""]) => cluster.node(id).feed({ _tag: "Unreachable", peer })
}

const work: Readonly<Record<string, Command>> = {
  campaign: (cluster, [id = ""]) => cluster.node(id).feed({ _tag: "Campaign" }),
  /** Lets a node win an election, and says only that. */
  elect: (cluster, [id = ""]) => {
    const { isQuiet } = cluster
    cluster.isQuiet = true
    cluster.node(id).feed({ _tag: "Campaign" })
    cluster.stabilize()
    cluster.isQuiet = isQuiet
    const { role, term, commit } = cluster.node(id).running()
    if (role !== "Leader") throw new Error(`${id} is not elected`)
    cluster.say(`${id} leads term ${term}, commit=${commit}`)
  },
  propose: (cluster, [id = "", ...text]) => {
    const data = [encoder.encode(expanded(text.join(" ")))]
    cluster.node(id).feed({ _tag: "Propose", context: cluster.context("p"), data })
  },
  /** Several commands in one piece: each word is one. */
  batch: (cluster, [id = "", ...texts]) => {
    const data = texts.map((text) => encoder.encode(expanded(text)))
    cluster.node(id).feed({ _tag: "Propose", context: cluster.context("p"), data })
  },
  read: (cluster, [id = ""]) => cluster.node(id).feed({ _tag: "ReadIndex", context: cluster.context("r") }),
  transfer: (cluster, [id = "", to = ""]) => cluster.node(id).feed({ _tag: "TransferLeadership", to }),
  /** Its driver noticed that the process slept, or that its disk stalls. */
  stepdown: (cluster, [id = ""]) => cluster.node(id).feed({ _tag: "StepDown" }),
  forget: (cluster, [id = ""]) => cluster.node(id).feed({ _tag: "ForgetLeader" }),
  snapshot: (cluster, [id = "", ...words]) => cluster.node(id).takeSnapshot(Number(settingsOf(words)["keep"] ?? 0))
}

const disk: Readonly<Record<string, Command>> = {
  /** Writes wait for `sync`; a crash before it loses them. */
  hold: (cluster, [id = ""]) => void (cluster.node(id).disk.isHeld = true),
  sync: (cluster, [id = "", count]) => cluster.node(id).sync(count === undefined ? undefined : Number(count)),
  /** `fault m1 EIO sync log`: what the next such operation does. `cut`: the power goes before it. */
  fault: (cluster, [id = "", kind = "", operation = "", file = "", nth = "1"]) => {
    if (kind !== "cut" && kind !== "EIO" && kind !== "ENOSPC") throw new Error(`a fault is cut, EIO or ENOSPC`)
    cluster.node(id).disk.files.arm({ kind, operation, file, nth: Number(nth) })
  },
  /** `flip m1 log-1 150`: one bit changes, unnoticed. */
  flip: (cluster, [id = "", file = "", offset = ""]) => {
    cluster.node(id).disk.flip(file, Number(offset))
  },
  /** `misdirect m1 log 512 1024`: the disk writes a sector to the place of another. */
  misdirect: (cluster, [id = "", file = "", from = "", to = ""]) => {
    cluster.node(id).disk.misdirect(file, Number(from), Number(to))
  },
  /** `remember m1 log 512` and later `recall m1 log 512`: a sector comes back as it was. */
  remember: (cluster, [id = "", file = "", offset = ""]) => cluster.node(id).disk.remember(file, Number(offset)),
  recall: (cluster, [id = "", file = "", offset = ""]) => cluster.node(id).disk.recall(file, Number(offset)),
  remove: (cluster, [id = "", file = ""]) => cluster.node(id).disk.remove(file),
  wipe: (cluster, [id = ""]) => cluster.node(id).disk.wipe(),
  /** `fill m1 1,1,4 term=5`: gives a node that is down a log of entries of these terms, and the term that it is in. */
  fill: (cluster, [id = "", list = "", ...words]) => {
    const terms = listOf(list).map(Number)
    cluster.node(id).disk.fill(terms, Number(settingsOf(words)["term"] ?? terms.at(-1)))
  }
}

const patienceTicks = 1_000

const ask = (cluster: ScenarioCluster, id: string, name: string, words: Words): void => {
  const client = cluster.client(name)
  const { serial, session, acknowledged, data } = client
  const within = Number(settingsOf(words)["within"] ?? patienceTicks)
  const command = { name: `${name}.${serial}`, session, serial, acknowledged, data, patienceTicks: within }
  cluster.node(id).ask(command, () => void (client.acknowledged = serial))
}

const clients: Readonly<Record<string, Command>> = {
  /** A client asks for a session, through the node that it reaches. */
  open: (cluster, [id = "", name = ""]) =>
    cluster
      .node(id)
      .openSession(name, patienceTicks, (session) =>
        cluster.clients.set(name, { session, serial: 0, acknowledged: 1, data: new Uint8Array() })
      ),
  /** `ask m1 c1 text within=20`: its next command; for so many ticks it waits for an answer. */
  ask: (cluster, [id = "", name = "", ...words]) => {
    const client = cluster.client(name)
    client.serial += 1
    client.data = encoder.encode(words.filter((word) => !word.startsWith("within=")).join(" "))
    ask(cluster, id, name, words)
  },
  /** Its last command once more: it has no answer, or forgot that it has. */
  retry: (cluster, [id = "", name = "", ...words]) => ask(cluster, id, name, words),
  /** `watch m1 w1`: goes on there after what it has seen elsewhere, from the first entry if it is new. */
  watch: (cluster, [id = "", name = ""]) => {
    const watcher = cluster.watchers.get(name) ?? { name, bookmark: 0 }
    cluster.watchers.set(name, watcher)
    for (const node of cluster.chosen([])) node.unwatch(watcher)
    cluster.node(id).watch(watcher)
  }
}

const views: Readonly<Record<string, Command>> = {
  status: (cluster, ids) => cluster.chosen(ids).forEach((node) => cluster.say(node.status())),
  log: (cluster, ids) => cluster.chosen(ids).forEach((node) => cluster.say(node.log())),
  state: (cluster, ids) => cluster.chosen(ids).forEach((node) => cluster.say(node.texts())),
  sessions: (cluster, ids) => cluster.chosen(ids).forEach((node) => cluster.say(node.sessions())),
  progress: (cluster, ids) =>
    cluster.chosen(ids).forEach((node) => node.progress().forEach((line) => cluster.say(line))),
  /** Records of the log files, with their offsets. */
  records: (cluster, ids) =>
    cluster.chosen(ids).forEach(({ disk: files }) => files.records().forEach((line) => cluster.say(line))),
  files: (cluster, ids) =>
    cluster.chosen(ids).forEach(({ id, disk: files }) => cluster.say(`${id}: ${files.names().join(" ")}`)),
  /** `on`, `off`, or the kinds to print. */
  messages: (cluster, [kinds = "on"]) => {
    cluster.printed = kinds === "on" ? null : kinds === "off" ? [] : kinds.split(",")
  },
  quiet: (cluster, [setting]) => void (cluster.isQuiet = setting !== "off")
}

export const commands: Readonly<Record<string, Command>> = {
  ...members,
  ...time,
  ...network,
  ...work,
  ...clients,
  ...disk,
  ...views
}
