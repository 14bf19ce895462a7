import type { FileSystem } from "../file/FileSystem.ts"
import { nodeFileSystem } from "../file/NodeFileSystem.ts"

/** A file system cannot cross to another thread: a module's URL can. */
export const fileSystemOf = async (module: string | null): Promise<FileSystem> => {
  if (module === null) return nodeFileSystem
  const { fileSystem } = (await import(module)) as { readonly fileSystem: FileSystem }
  return fileSystem
}
