/** Atoms in React components, by useSyncExternalStore. A component that shows an atom keeps it alive. */
import type { Atom } from "effect/reactivity"
import { useCallback, useSyncExternalStore } from "react"
import { registry } from "./Registry.ts"

export const useAtomValue = <A>(atom: Atom.Atom<A>): A => {
  const subscribe = useCallback((notify: () => void) => registry.subscribe(atom, notify), [atom])
  return useSyncExternalStore(subscribe, () => registry.get(atom))
}

export const useAtomSet = <R, W>(atom: Atom.Writable<R, W>): ((value: W) => void) =>
  useCallback((value) => registry.set(atom, value), [atom])
