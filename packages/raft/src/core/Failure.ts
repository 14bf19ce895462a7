/** The algorithm's assumptions do not hold: storage lost what it confirmed, or the driver broke its contract. Stop the node. */
export class RaftFailure extends Error {
  override readonly name = "RaftFailure"
}
