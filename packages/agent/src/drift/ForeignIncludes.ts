/** Which files a configuration text includes, as nginx would find them (ngx_conf_include). Pure. */
import { allDirectives, parseNginx } from "@nxmesh/core/nginx/Parse"
import { Result } from "effect"
import { isAbsolute, join } from "node:path"

/** nginx takes an argument with one of these for a glob. */
export const isGlob = (pattern: string): boolean => /[*?[]/.test(pattern)

/**
 * The arguments of its `include` directives as absolute paths or globs. A text that cannot be read includes nothing: nginx
 * would not load it either.
 *
 * @param directory of nginx.conf, which relative paths follow whatever file they stand in
 */
export const includesIn = (text: string, directory: string): ReadonlyArray<string> => {
  const parsed = parseNginx(text)
  if (Result.isFailure(parsed)) return []
  return Array.from(allDirectives(parsed.success)).flatMap(({ args: [path], name }) =>
    name !== "include" || path === undefined ? [] : [isAbsolute(path) ? path : join(directory, path)]
  )
}

/** Whether a path or glob names files of generations, through the link or by a directory of its own. */
export const isOfTree = (path: string, confDirectory: string): boolean => {
  const [first = ""] = path.startsWith(`${confDirectory}/`) ? path.slice(confDirectory.length + 1).split("/") : []
  return first === "current" || /^\d{14}-\d{6,}$/.test(first)
}
