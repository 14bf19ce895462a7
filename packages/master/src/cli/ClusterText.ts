/** A cluster's answers as people read them. Pure. */
import type { Cluster, Master } from "@nxmesh/protocol/model/ClusterStatus"
import type { IssuedJoinToken, JoinToken } from "@nxmesh/protocol/model/Master"
import { bytesText, printable, table } from "./Table.ts"

const number = (value: number | null): string => (value === null ? "-" : String(value))

const masterRow = (master: Master): ReadonlyArray<string> => [
  master.name,
  master.role,
  master.healthy ? "ok" : "unwell",
  number(master.lag_entries),
  number(master.last_index),
  master.version ?? "-",
  master.disk === null ? "-" : bytesText(master.disk.data_bytes),
  master.disk === null ? "-" : bytesText(master.disk.free_bytes),
  master.peer_address ?? "-",
  master.agent_address ?? "-",
  master.id
]

const columns = ["NAME", "ROLE", "HEALTH", "LAG", "INDEX", "VERSION", "DATA", "FREE", "PEER", "AGENTS", "ID"]

export const mastersText = (masters: ReadonlyArray<Master>): string =>
  [
    table(columns, masters.map(masterRow)),
    ...masters.flatMap(({ name, problem }) =>
      problem === null ? [] : [printable(problem.startsWith(`${name} `) ? problem : `${name}: ${problem}`)]
    )
  ].join("\n")

const failures = (tolerated: number): string =>
  tolerated === 0 ? "no failure" : tolerated === 1 ? "one failure" : `${tolerated} failures`

const facts = (cluster: Cluster): ReadonlyArray<readonly [string, string]> => {
  const nameOf = (id: string) => cluster.masters.find((master) => master.id === id)?.name ?? id
  const { answered_by, frozen, freeze_reason, leader_id } = cluster
  return [
    ["cluster", `${cluster.cluster_id}, epoch ${cluster.epoch}, version ${cluster.cluster_version}`],
    ["leader", leader_id === null ? "none is known" : `${nameOf(leader_id)}, term ${cluster.term}`],
    ["voters", `${cluster.voters}, which tolerate ${failures(cluster.failures_tolerated)}`],
    [
      "index",
      `${cluster.commit_index} committed, ${cluster.applied_index} applied by ${nameOf(answered_by)}, who answers`
    ],
    ["deployments", frozen ? `frozen: ${freeze_reason ?? "no reason was given"}` : "not frozen"]
  ]
}

export const statusText = (cluster: Cluster): string =>
  [
    ...facts(cluster).map(([name, value]) => printable(`${name.padEnd(12)} ${value}`)),
    "",
    table(columns, cluster.masters.map(masterRow)),
    ...(cluster.advice.length === 0 ? [] : ["", ...cluster.advice.map((advice) => printable(`! ${advice}`))])
  ].join("\n")

const tokenState = ({ expires_at, used_at }: JoinToken): string =>
  used_at === null ? `open until ${expires_at}` : `used ${used_at}`

export const tokensText = (tokens: ReadonlyArray<JoinToken>): string =>
  tokens.length === 0
    ? "there are no join tokens"
    : table(
        ["ID", "CREATED", "STATE"],
        tokens.map((token) => [token.id, token.created_at, tokenState(token)])
      )

/** The token is shown this once; the command line holds it. */
export const issuedText = ({ command, expires_at, id }: IssuedJoinToken): string =>
  [
    `token ${id}, for one master, until ${expires_at}. On the new machine, with this cluster's key file and an address of its own:`,
    "",
    command,
    "",
    "It is shown this once. To take it back: nxmesh cluster token revoke " + id
  ].join("\n")
