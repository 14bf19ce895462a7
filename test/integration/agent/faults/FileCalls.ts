/**
 * Every call by which this process changes files below a directory, in the order in which they are made: to die at one of them,
 * or to tell afterwards what a power cut could have left. Node's own functions are wrapped, so the code under test is the real one.
 */
import { Buffer } from "node:buffer"
import fs from "node:fs"
import promises, { type FileHandle } from "node:fs/promises"
import { syncBuiltinESMExports } from "node:module"

/** What a call does to the disk. Paths are absolute. */
export type FileCall =
  | { readonly kind: "make"; readonly path: string }
  | { readonly kind: "write"; readonly path: string; readonly base64: string; readonly append: boolean }
  | { readonly kind: "truncate"; readonly path: string; readonly bytes: number }
  | { readonly kind: "mode"; readonly path: string; readonly mode: number }
  | { readonly kind: "mkdir"; readonly path: string }
  | { readonly kind: "rename"; readonly path: string; readonly to: string }
  | { readonly kind: "link"; readonly path: string; readonly to: string }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "sync"; readonly path: string }

export interface FileCallWatch {
  /** Told of each call below the directory before it is made. */
  readonly before: (call: FileCall) => void
  /** And when it is done. */
  readonly after: (call: FileCall) => void
}

const text = (value: unknown): string => String(value)
const base64 = (data: unknown): string =>
  (typeof data === "string" ? Buffer.from(data) : Buffer.from(data as Uint8Array)).toString("base64")
const modeOf = (options: unknown): number =>
  typeof options === "object" && options !== null && "mode" in options ? Number(options.mode) : 0o666
const flagsWrite = (flags: unknown): boolean => typeof flags === "string" && /[wa+]/.test(flags)

/** By the name that node:fs/promises has, and with "Sync" node:fs. */
const calls: Readonly<Record<string, (...args: ReadonlyArray<unknown>) => ReadonlyArray<FileCall>>> = {
  writeFile: (path, data, options) => [
    { kind: "make", path: text(path) },
    { kind: "mode", path: text(path), mode: modeOf(options) },
    { kind: "write", path: text(path), base64: base64(data), append: false }
  ],
  rename: (from, to) => [{ kind: "rename", path: text(from), to: text(to) }],
  link: (from, to) => [{ kind: "link", path: text(from), to: text(to) }],
  symlink: (target, path) => [{ kind: "symlink", path: text(path), target: text(target) }],
  mkdir: (path) => [{ kind: "mkdir", path: text(path) }],
  rm: (path) => [{ kind: "remove", path: text(path) }],
  unlink: (path) => [{ kind: "remove", path: text(path) }],
  chmod: (path, mode) => [{ kind: "mode", path: text(path), mode: Number(mode) }]
}

/** Of an open file. */
const handleCalls: Readonly<
  Record<string, (path: string, ...args: ReadonlyArray<unknown>) => ReadonlyArray<FileCall>>
> = {
  writeFile: (path, data) => [{ kind: "write", path, base64: base64(data), append: true }],
  appendFile: (path, data) => [{ kind: "write", path, base64: base64(data), append: true }],
  truncate: (path, bytes) => [{ kind: "truncate", path, bytes: Number(bytes ?? 0) }],
  chmod: (path, mode) => [{ kind: "mode", path, mode: Number(mode) }],
  sync: (path) => [{ kind: "sync", path }],
  datasync: (path) => [{ kind: "sync", path }]
}

type AnyFunction = (this: unknown, ...args: ReadonlyArray<unknown>) => unknown

/** Wraps the functions of this process, for good: a process that is watched is made for that. */
export const watchFileCalls = async (below: string, watch: FileCallWatch): Promise<void> => {
  const isBelow = ({ path }: FileCall) => path.startsWith(`${below}/`)
  const around = (made: ReadonlyArray<FileCall>, call: () => unknown): unknown => {
    const seen = made.filter(isBelow)
    for (const one of seen) watch.before(one)
    const done = () => {
      for (const one of seen) watch.after(one)
    }
    const result = call()
    if (!(result instanceof Promise)) {
      done()
      return result
    }
    return result.then((value: unknown) => {
      done()
      return value
    })
  }
  const wrap = (
    holder: object,
    name: string,
    of: (self: unknown, args: ReadonlyArray<unknown>) => ReadonlyArray<FileCall>
  ) => {
    const original = Reflect.get(holder, name) as AnyFunction
    Reflect.set(holder, name, function wrapped(this: unknown, ...args: ReadonlyArray<unknown>) {
      return around(of(this, args), () => original.apply(this, [...args]))
    })
  }
  for (const [name, make] of Object.entries(calls)) {
    wrap(promises, name, (_, args) => make(...args))
    wrap(fs, `${name}Sync`, (_, args) => make(...args))
  }
  const paths = new WeakMap<object, string>()
  const open = promises.open
  const opened = async (path: string, flags?: string | number, mode?: number): Promise<FileHandle> => {
    const creates = flagsWrite(flags) && !fs.existsSync(path)
    const made: ReadonlyArray<FileCall> = creates
      ? [
          { kind: "make", path },
          { kind: "mode", path, mode: mode ?? 0o666 }
        ]
      : []
    const handle = (await around(made, () => open(path, flags, mode))) as FileHandle
    paths.set(handle, path)
    return handle
  }
  Reflect.set(promises, "open", opened)
  const sample = await open(below, "r")
  const prototype = Object.getPrototypeOf(sample) as object
  await sample.close()
  for (const [name, make] of Object.entries(handleCalls)) {
    wrap(prototype, name, (self, args) => {
      const path = paths.get(self as object)
      return path === undefined ? [] : make(path, ...args)
    })
  }
  syncBuiltinESMExports()
}
