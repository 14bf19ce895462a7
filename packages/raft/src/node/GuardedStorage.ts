/** A storage whose answers come through `guard`, which knows whether the node still runs. */
import type { Done, NodeStorage } from "./NodeStorage.ts"

export const guardedStorage = (storage: NodeStorage, guard: (action: () => void) => void): NodeStorage => {
  const guarded =
    <A>(done: Done<A>): Done<A> =>
    (outcome) =>
      guard(() => done(outcome))
  return {
    append: (append) => storage.append(append),
    compact: (index) => storage.compact(index),
    abandonSnapshot: () => storage.abandonSnapshot(),
    receiveSnapshot: (metadata, content, done) => storage.receiveSnapshot(metadata, content, guarded(done)),
    writeSnapshot: (offset, data, done) => storage.writeSnapshot(offset, data, guarded(done)),
    finishSnapshot: (done) => storage.finishSnapshot(guarded(done)),
    restore: (done) => storage.restore(guarded(done)),
    readSnapshot: (index, offset, bytesMax, done) => storage.readSnapshot(index, offset, bytesMax, guarded(done))
  }
}
