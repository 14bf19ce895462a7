/**
 * Makes a template of a virtual host's text as an agent found it, so that every agent of the host renders that text: word for
 * word, but for the paths of its certificate, which lie in another directory at each deployment. Pure.
 */
import { certificateFiles } from "@nxmesh/core/nginx/GeneratedNames"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import { Result } from "effect"

export interface FoundText {
  /** Of the file, as it settled and as it was found. */
  readonly settled: string
  readonly found: string
  /** Name of the generation's directory, which the text may name. */
  readonly directory: string
  readonly host: { readonly id: string; readonly name: string; readonly ssl_enabled: boolean }
  readonly certificate: { readonly id: string; readonly secret_version_id: string } | null
}

/** What the renderer puts before the template's own text: a comment, and upstreams for backends named by URL. */
const preamble = /^# virtual host [^\n]*\n(?:upstream nxm_[0-9a-f]{8}_to_[0-9a-f]{8} \{\n(?: [^\n]*\n)*\}\n)*/

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** Every mention of a file of the tree, whole and without its quotes: the expression is quoted where it has to be. */
const withExpression = (text: string, directory: string, file: string, expression: string): string => {
  const path = `/${escaped(directory)}/${escaped(file)}`
  return text
    .replace(new RegExp(`"/[^"\\n]*?${path}"|'/[^'\\n]*?${path}'`, "g"), () => `{{${expression}}}`)
    .replace(new RegExp(`/[^\\s"';{}]*?${path}(?=[\\s;])`, "g"), () => `{{${expression}}}`)
}

/** The template's source, or one sentence that says why there is none. */
export const textToTemplate = ({
  certificate,
  directory,
  found,
  host,
  settled
}: FoundText): Result.Result<string, string> => {
  const head = preamble.exec(settled)?.[0] ?? ""
  if (!head.startsWith("# virtual host ") || !head.includes(`(${host.id})`)) {
    return Result.fail(`the text does not begin as that of the virtual host "${host.name}" does`)
  }
  if (!found.startsWith(head)) {
    return Result.fail(
      "what comes before the server was changed, and that is made from addresses: change the host's locations over the API"
    )
  }
  const body = found.slice(head.length)
  if (body.includes("{{")) return Result.fail('"{{" would be an expression in a template')
  const files = certificate === null ? null : certificateFiles(certificate)
  const source =
    files === null
      ? body
      : withExpression(
          withExpression(body, directory, files.key, "ssl_certificate_key_path"),
          directory,
          files.certificate,
          "ssl_certificate_path"
        )
  if (source.includes(directory)) {
    return Result.fail(`it names ${directory}, the directory of one deployment on one agent`)
  }
  // A host without TLS has no paths to put in: such a one gets nothing of this text, and not half of it.
  const whole = host.ssl_enabled ? `{{#if ssl}}\n${source.endsWith("\n") ? source : `${source}\n`}{{/if}}\n` : source
  return whole.length > WireLimits.templateCharactersMax
    ? Result.fail(`it is longer than the ${WireLimits.templateCharactersMax} characters that a template may have`)
    : Result.succeed(whole)
}
