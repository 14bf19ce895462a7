/** The first entry of a cluster. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import { write } from "./Save.ts"
import { refuse } from "./Refusal.ts"
import type { Applied, Transaction } from "./Transaction.ts"

export const initialiseCluster = (tx: Transaction, command: CommandOf<"InitialiseCluster">): Applied => {
  const { connection } = tx
  if (connection.get("SELECT 1 AS found FROM cluster") !== undefined) {
    return refuse("CONFLICT", "this cluster is initialised already")
  }
  connection.run(
    "INSERT INTO cluster (only, cluster_id, ca_certificate_pem, ca_private_key, created_at) VALUES (1, ?, ?, ?, ?)",
    command.cluster_id,
    command.ca_certificate_pem,
    JSON.stringify(command.ca_private_key),
    tx.timestamp
  )
  connection.run(
    "INSERT INTO signing_keys (key_id, public_jwk, private_jwk, created_at) VALUES (?, ?, ?, ?)",
    command.signing_key.key_id,
    JSON.stringify(command.signing_key.public_jwk),
    JSON.stringify(command.signing_key.private_jwk),
    tx.timestamp
  )
  write(tx, "user", undefined, command.administrator)
  return {
    value: { cluster_id: command.cluster_id },
    events: [],
    audit: {
      kind: "cluster",
      id: command.cluster_id,
      before: null,
      after: { cluster_id: command.cluster_id, administrator: command.administrator.email }
    }
  }
}
