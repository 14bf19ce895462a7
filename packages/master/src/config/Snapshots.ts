/** Snapshots of versions as resources: they hold no stamps, and nothing that is rendered depends on them. */
import { Predicate } from "effect"

const epoch = "1970-01-01T00:00:00.000Z"

/** `null` for what is no snapshot: a version that deleted the resource has none. */
export const stamped = (data: unknown): unknown =>
  Predicate.isObject(data) ? { created_at: epoch, updated_at: epoch, revision: 1, ...data } : null
