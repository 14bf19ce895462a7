/**
 * Resolves the upstream names of a bundle within a deadline, as the system does (hosts file, search domains), and falls back to
 * what it knew before: nginx itself would block ten seconds for each name of a dead resolver, and refuse the tree. getaddrinfo(3)
 * tells no times to live, so names are asked for again at a fixed interval, and what caches on the machine heeds them.
 */
import { Context, Duration, Effect, Fiber, FiberMap, Layer, Option, Schema, Semaphore } from "effect"
import { lookup } from "node:dns/promises"
import { isIP } from "node:net"
import { join } from "node:path"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import { Limits } from "../Limits.ts"
import * as AddressBook from "./AddressBook.ts"

export interface ResolverSettings {
  readonly dataDirectory: string
  /** For names that have no address; those that have one are waited for less. */
  readonly timeout?: Duration.Duration
  /** Every address of a name; what it rejects with counts as none. The system's, unless a test has its own. */
  readonly lookup?: (name: string) => Promise<ReadonlyArray<string>>
}

export class Resolver extends Context.Service<
  Resolver,
  {
    /** Every name with its addresses, the last known ones where it does not resolve now; none when it never did. */
    readonly resolve: (names: ReadonlyArray<string>) => Effect.Effect<AddressBook.AddressBook>
    /** The same without asking: what the last answers were. */
    readonly known: (names: ReadonlyArray<string>) => Effect.Effect<AddressBook.AddressBook>
  }
>()("@nxmesh/agent/nginx/Resolver") {
  static readonly layer = (settings: ResolverSettings) => Layer.effect(Resolver, make(settings))
}

/**
 * Lookups in flight. getaddrinfo(3) cannot be stopped and holds one of the four threads that also serve the file system,
 * so a dead resolver must not get them all.
 */
const lookupsMax = 2

const systemLookup = async (name: string): Promise<ReadonlyArray<string>> =>
  (await lookup(name, { all: true })).map(({ address }) => address)

const readBook = Effect.fnUntraced(function* (path: string) {
  const bytes = yield* Effect.orElseSucceed(AtomicFile.readIfExists(path), () => null)
  if (bytes === null) return new Map<string, ReadonlyArray<string>>()
  const decoded = Schema.decodeUnknownOption(AddressBook.AddressBookFile)(new TextDecoder().decode(bytes))
  return new Map<string, ReadonlyArray<string>>(Object.entries(Option.getOrElse(decoded, () => ({}))))
})

const make = Effect.fnUntraced(function* (settings: ResolverSettings) {
  const path = join(settings.dataDirectory, "addresses.json")
  const find = settings.lookup ?? systemLookup
  const timeout = settings.timeout ?? Limits.resolveTimeout
  const book = yield* readBook(path)
  const threads = yield* Semaphore.make(lookupsMax)
  const inFlight = yield* FiberMap.make<string>()
  /** Names whose last lookup was given up: a dead resolver delays one deployment, and not each. */
  const slow = new Set<string>()
  let changed = false

  const learn = (name: string, found: ReadonlyArray<string>): void => {
    slow.delete(name)
    const before = book.get(name)
    // Looked at last, forgotten last.
    book.delete(name)
    book.set(name, found.length > 0 ? found : (before ?? []))
    if (before === undefined || !AddressBook.isSame(new Map([[name, before]]), AddressBook.select(book, [name]))) {
      changed = true
    }
    const [oldest] = book.keys()
    if (book.size > Limits.namesRememberedMax && oldest !== undefined) book.delete(oldest)
  }

  /** Goes on after its caller's deadline, holding its thread: a late answer serves the next rendering. */
  const ask = (name: string) =>
    Effect.promise(() => find(name).catch(() => [])).pipe(
      Effect.map(AddressBook.literals),
      Effect.uninterruptible,
      threads.withPermit,
      Effect.map((found) => learn(name, found))
    )

  const save = Effect.suspend(() => {
    changed = false
    const known = [...book].filter(([, addresses]) => addresses.length > 0)
    return Effect.catch(AtomicFile.write(path, JSON.stringify(Object.fromEntries(known))), (error) =>
      Effect.logWarning(`cannot keep the resolved addresses: ${error.message}`)
    )
  })

  const isKnown = (name: string): boolean => (book.get(name) ?? []).length > 0

  /** Waits for these names for so long, and remembers which were too slow. */
  const wait = Effect.fnUntraced(function* (
    lookups: ReadonlyArray<readonly [string, Fiber.Fiber<unknown, unknown>]>,
    atMost: Duration.Duration
  ) {
    const ended = yield* Effect.timeoutOption(
      Effect.forEach(lookups, ([, fiber]) => Fiber.await(fiber), { discard: true }),
      atMost
    )
    if (Option.isSome(ended)) return
    for (const [name, fiber] of lookups) if (fiber.pollUnsafe() === undefined) slow.add(name)
  })

  const resolve = Effect.fn("Resolver.resolve")(function* (names: ReadonlyArray<string>) {
    const unique = [...new Set(names)]
    const asked = unique.filter((name) => isIP(name) === 0)
    const lookups = yield* Effect.forEach(asked, (name) =>
      Effect.map(FiberMap.run(inFlight, name, ask(name), { onlyIfMissing: true }), (fiber) => [name, fiber] as const)
    )
    const urgent = lookups.filter(([name]) => !isKnown(name) && !slow.has(name))
    yield* Effect.all([wait(lookups, Duration.min(timeout, Limits.resolveKnownTimeout)), wait(urgent, timeout)], {
      concurrency: 2
    })
    if (changed) yield* save
    const literal = unique.filter((name) => isIP(name) !== 0).map((name) => [name, [name]] as const)
    return new Map([...AddressBook.select(book, asked), ...literal])
  })
  return Resolver.of({ resolve, known: (names) => Effect.sync(() => AddressBook.select(book, names)) })
})
