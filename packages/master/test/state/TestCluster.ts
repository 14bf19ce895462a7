/** Masters of a test, and the commands that make them members. */
import { clusterVersions } from "@nxmesh/protocol/ClusterVersion"
import type { Command, CommandOf } from "@nxmesh/protocol/Command"
import { ClusterId, JoinTokenId, MasterId } from "@nxmesh/protocol/Ids"
import type { MasterDescription } from "@nxmesh/protocol/model/Master"
import { Effect } from "effect"
import { uuid } from "../config/Fixtures.ts"
import { hash, saveUser, sealed, submit } from "./TestMaster.ts"

export const masterId = (number: number) => MasterId.make(uuid(0xa, number))
export const joinTokenId = (number: number) => JoinTokenId.make(uuid(0xb, number))

export const description = (number: number, fields: Partial<MasterDescription> = {}): MasterDescription => ({
  id: masterId(number),
  name: `m${number}`,
  peer_address: `m${number}.example.com:7443`,
  agent_address: `m${number}.example.com:8443`,
  http_address: "127.0.0.1:8080",
  version: "0.2.0",
  cluster_versions: clusterVersions,
  ...fields
})

const administrator = (saveUser(1, "admin") as CommandOf<"SaveUser">).user

/** What a master says whose build knows the first cluster version alone. */
export const ofVersion1 = { cluster_versions: { lowest: 1, highest: 1 } }

/** The first entry; without a master, as a cluster from before there were several has it. */
export const initialise = (master: MasterDescription | null = description(1)): Command => ({
  _tag: "InitialiseCluster",
  cluster_id: ClusterId.make(uuid(0xc, 1)),
  ca_certificate_pem: "certificate",
  ca_private_key: sealed("key"),
  signing_key: { key_id: "k1", public_jwk: {}, private_jwk: sealed("jwk") },
  administrator,
  ...(master === null ? {} : { master })
})

export const createJoinToken = (number: number, expires_at = "2100-01-01T00:00:00.000Z"): Command => ({
  _tag: "CreateJoinToken",
  id: joinTokenId(number),
  token_hash: hash((number % 16).toString(16)),
  expires_at,
  sealed_token: sealed("token")
})

export const admit = (
  number: number,
  fields: Partial<Omit<CommandOf<"AdmitMaster">, "_tag">> = {}
): CommandOf<"AdmitMaster"> => ({
  _tag: "AdmitMaster",
  proof: { _tag: "ClusterSecret" },
  public_key: `key-${number}`,
  master: description(number),
  ...fields
})

export const withToken = (number: number) =>
  ({ proof: { _tag: "Token", token_hash: hash(number.toString(16)) } }) as const

/** A cluster of the masters 1 to `count`. */
export const clusterOf = Effect.fnUntraced(function* (count: number) {
  yield* submit(initialise())
  for (let number = 2; number <= count; number += 1) yield* submit(admit(number))
})
