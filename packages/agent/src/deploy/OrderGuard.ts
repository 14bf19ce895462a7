/** Refuses a directive older than one accepted before: a hash has no order (design-cluster.md, rule 1). */
import { compareOrder, type Order } from "@nxmesh/protocol/link/Directive"

/** Why the order is refused, or `null` when it is not. The same order may come again: a master repeats itself after a reconnect. */
export const refusal = (highest: Order | null, order: Order): string | null =>
  highest !== null && compareOrder(order, highest) < 0
    ? `the directive (epoch ${order.epoch}, index ${order.index}) is older than the last one accepted (epoch ${highest.epoch}, index ${highest.index})`
    : null
