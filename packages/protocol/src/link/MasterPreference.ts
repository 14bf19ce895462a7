/**
 * Which master an agent prefers: rendezvous hashing (Thaler and Ravishankar, 1998). Every agent ranks the masters by
 * itself and no two alike, so that a fleet spreads evenly, the agents of a lost master spread over all that are left, and
 * a master that comes or goes moves only those agents that prefer it. Masters rank the same way, to know who is a guest.
 */

/** As both sides compare it: the host's case says nothing. */
const keyOf = (address: string): string => address.trim().toLowerCase()

/** FNV-1a over UTF-16 units, with the finalizer of MurmurHash3 so that near texts are far apart. 32 bits. */
const hash32 = (text: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/**
 * The masters' addresses (`host:port`), the preferred one first. The same for every order in which they come; an address
 * that is there twice comes once.
 */
export const preferredOrder = (agentId: string, addresses: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(addresses.map(keyOf))]
    .map((key) => ({ key, score: hash32(`${agentId} ${key}`) }))
    .toSorted((a, b) => b.score - a.score || (a.key < b.key ? -1 : 1))
    .map(({ key }) => key)
