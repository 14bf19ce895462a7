/**
 * Resolves the upstream names of a bundle within a deadline, as the system does (hosts file, search domains), and falls back to
 * what it knew before: nginx itself would block ten seconds for each name of a dead resolver, and refuse the tree.
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
  readonly timeout?: Duration.Duration
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

const readBook = Effect.fnUntraced(function* (path: string) {
  const bytes = yield* Effect.orElseSucceed(AtomicFile.readIfExists(path), () => null)
  if (bytes === null) return new Map<string, ReadonlyArray<string>>()
  const decoded = Schema.decodeUnknownOption(AddressBook.AddressBookFile)(new TextDecoder().decode(bytes))
  return new Map<string, ReadonlyArray<string>>(Object.entries(Option.getOrElse(decoded, () => ({}))))
})

const make = Effect.fnUntraced(function* ({ dataDirectory, timeout }: ResolverSettings) {
  const path = join(dataDirectory, "addresses.json")
  const book = yield* readBook(path)
  const threads = yield* Semaphore.make(lookupsMax)
  const inFlight = yield* FiberMap.make<string>()

  /** Goes on after its caller's deadline, holding its thread: a late answer serves the next rendering. */
  const ask = (name: string) =>
    Effect.promise(() => lookup(name, { all: true }).catch(() => [])).pipe(
      Effect.map((found) => AddressBook.literals(found.map(({ address }) => address))),
      Effect.uninterruptible,
      threads.withPermit,
      Effect.map((found) => {
        if (found.length > 0) book.set(name, found)
      })
    )

  const save = Effect.suspend(() => {
    const text = JSON.stringify(Object.fromEntries(book))
    return Effect.catch(AtomicFile.write(path, text), (error) =>
      Effect.logWarning(`cannot keep the resolved addresses: ${error.message}`)
    )
  })

  const resolve = Effect.fn("Resolver.resolve")(function* (names: ReadonlyArray<string>) {
    const unique = [...new Set(names)]
    for (const name of unique) {
      if (isIP(name) !== 0) book.set(name, [name])
    }
    const asked = unique.filter((name) => isIP(name) === 0)
    const before = AddressBook.select(book, asked)
    const fibers = yield* Effect.forEach(asked, (name) =>
      FiberMap.run(inFlight, name, ask(name), { onlyIfMissing: true })
    )
    yield* Effect.timeoutOption(
      Effect.forEach(fibers, Fiber.await, { discard: true }),
      timeout ?? Limits.resolveTimeout
    )
    if (!AddressBook.isSame(before, AddressBook.select(book, asked))) yield* save
    return AddressBook.select(book, unique)
  })
  return Resolver.of({ resolve, known: (names) => Effect.sync(() => AddressBook.select(book, names)) })
})
