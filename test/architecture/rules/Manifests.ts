/** The fields of a package.json that these rules read. */
export interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const exact = /^\d+\.\d+\.\d+(-[\w.]+)?$/

/** Dependencies that would install another version tomorrow. */
export const inexactVersions = (manifest: Manifest): ReadonlyArray<string> =>
  [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies, manifest.peerDependencies]
    .flatMap((group) => Object.entries(group ?? {}))
    .filter(([, version]) => !exact.test(version))
    .map(([library, version]) => `${manifest.name} wants ${library} "${version}": write one exact version, as 1.2.3`)

/** Addresses in a lockfile, which would tie every installation to the registry it was made with. */
export const lockedAddresses = (lockfile: string): ReadonlyArray<string> =>
  [...lockfile.matchAll(/"resolved":\s*"((?:https?|git)[^"]*)"/g)].map(
    (match) => `package-lock.json names ${match[1]}: make it again with omit-lockfile-registry-resolved=true (.npmrc)`
  )
