/** The node of Raft that this master is, over the replicated state. */
import { type Address, readAddress } from "@nxmesh/core/settings/SettingValues"
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { MasterDescription } from "@nxmesh/protocol/model/Master"
import type { Configuration, NodeId } from "@nxmesh/raft/core/Types"
import { defaultNodeOptions } from "@nxmesh/raft/node/NodeOptions"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import type { TlsIdentity } from "@nxmesh/raft/transport/tcp/Tls"
import { Effect, Layer, Redacted, Result, Stream } from "effect"
import { Settings } from "../Settings.ts"
import { DataDirectory } from "../state/DataDirectory.ts"
import { ReplicatedState } from "../state/ReplicatedState.ts"
import { raftDirectory } from "./IdentityLayer.ts"
import { type MasterCertificate, NodeIdentity } from "./NodeIdentity.ts"

const alone = (id: MasterId): Configuration => ({
  voters: [id],
  learners: [],
  outgoing: [],
  learnersNext: [],
  autoLeave: false
})

const tlsIdentity = ({ authorityPem, certificatePem, privateKeyPem }: MasterCertificate): TlsIdentity => ({
  certificatePem,
  privateKeyPem: Redacted.value(privateKeyPem),
  authoritiesPem: authorityPem
})

/** Pure: where Raft finds the other masters. */
export const peersOf = (masters: ReadonlyArray<MasterDescription>, own: MasterId): ReadonlyMap<NodeId, Address> =>
  new Map(
    masters
      .filter(({ id }) => id !== own)
      .map(({ id, peer_address }) => [id, readAddress(peer_address)] as const)
      .flatMap(([id, address]) => (Result.isSuccess(address) ? [[id, address.success] as const] : []))
  )

const layerNode = Layer.unwrap(
  Effect.gen(function* () {
    const { peerAddress } = yield* Settings
    const identity = yield* NodeIdentity
    const { machine } = yield* ReplicatedState
    return RaftNode.layer({
      options: {
        ...defaultNodeOptions,
        id: identity.nodeId,
        // Where no snapshot says more: a log begins with it, and its entries change it. Others learn the members from the leader.
        bootstrap: identity.founder ? alone(identity.nodeId) : null
      },
      directory: raftDirectory((yield* DataDirectory).path),
      machine,
      network: {
        cluster: identity.clusterId,
        listen: peerAddress,
        tls: tlsIdentity(yield* identity.current),
        allowPlaintext: false
      },
      peers: peersOf(identity.mastersAtJoin, identity.nodeId)
    })
  })
)

/** Raft shows the certificate that is in force. */
const layerRenewals = Layer.effectDiscard(
  Effect.gen(function* () {
    const { renewals } = yield* NodeIdentity
    const { setIdentity } = yield* RaftNode
    const renew = (certificate: MasterCertificate) =>
      Effect.catch(setIdentity(tlsIdentity(certificate)), (error) =>
        Effect.logError(`Raft goes on with the certificate of before: ${error.message}`)
      )
    yield* Effect.forkScoped(Stream.runForEach(renewals, renew))
  })
)

export const layerMasterRaft = layerRenewals.pipe(Layer.provideMerge(layerNode))
