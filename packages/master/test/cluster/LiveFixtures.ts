/** Masters as they are stored and found, for tests of what is made of them. */
import { type ClusterState } from "../../src/state/ReadCluster.ts"
import type { LiveMaster, LiveStatus } from "../../src/cluster/ClusterStatus.ts"
import { clusterVersions } from "@nxmesh/protocol/ClusterVersion"
import { ClusterId } from "@nxmesh/protocol/Ids"
import type { StoredMaster } from "@nxmesh/protocol/model/Master"
import { uuid } from "../config/Fixtures.ts"
import { description, masterId } from "../state/TestCluster.ts"

export const stored = (number: number, fields: Partial<StoredMaster> = {}): StoredMaster => ({
  ...description(number),
  voter: true,
  created_at: "2030-01-01T00:00:00.000Z",
  updated_at: "2030-01-01T00:00:00.000Z",
  revision: number,
  ...fields
})

export const found = (number: number, fields: Partial<LiveMaster> = {}): LiveMaster => ({
  id: masterId(number),
  healthy: true,
  problem: null,
  lastIndex: 100,
  appliedIndex: 100,
  version: "0.2.0",
  disk: { dataBytes: 1_000, freeBytes: 5_000 },
  ...fields
})

export const gone = (number: number): LiveMaster =>
  found(number, { healthy: false, problem: "does not answer", version: null, disk: null })

/** As master 1 sees it, with master 1 leading: every one found is a voter. */
export const seen = (masters: ReadonlyArray<LiveMaster>, fields: Partial<LiveStatus> = {}): LiveStatus => ({
  id: masterId(1),
  term: 3,
  leaderId: masterId(1),
  commitIndex: 100,
  appliedIndex: 100,
  voters: masters.map(({ id }) => id),
  learners: [],
  masters: new Map(masters.map((master) => [master.id, master])),
  warnings: [],
  ...fields
})

export const state = (fields: Partial<ClusterState> = {}): ClusterState => ({
  clusterId: ClusterId.make(uuid(0xc, 1)),
  epoch: 1,
  frozen: false,
  freezeReason: null,
  clusterVersion: clusterVersions.highest,
  ...fields
})
