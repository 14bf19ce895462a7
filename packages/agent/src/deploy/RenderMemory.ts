/**
 * What was rendered and checked before, so that a change of one host among thousands costs one host. Rendering and
 * checking stay pure functions of core; here is remembered what they answered, for as long as the objects live that it
 * was made of: a delta keeps those of the resources that did not change.
 */
import { type FileCheck, forbiddenInFile } from "@nxmesh/core/nginx/Forbidden"
import type { ForbiddenSettings } from "@nxmesh/core/nginx/ForbiddenRules"
import { type HostRenderer, renderHost, type RenderedFile } from "@nxmesh/core/nginx/Render"
import type { Bundle, BundleCertificate, BundleResource } from "@nxmesh/protocol/model/Bundle"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { Result } from "effect"

interface RememberedHost {
  readonly file: RenderedFile
  /** A host's text names the files of its certificate. */
  readonly certificate: BundleCertificate | null
}

/** What any host's text may depend on beside the host and its certificate. */
const isShared = ({ _tag }: BundleResource): boolean => _tag === "template" || _tag === "upstream"

const isSameList = (left: ReadonlyArray<unknown>, right: ReadonlyArray<unknown>): boolean =>
  left.length === right.length && left.every((one, index) => one === right[index])

const settingsText = ({ logDirectory, ownDirectories, treeFiles }: ForbiddenSettings): string =>
  JSON.stringify([logDirectory, ownDirectories, [...treeFiles]])

export class RenderMemory {
  #hosts = new WeakMap<VirtualHost, RememberedHost>()
  #shared: ReadonlyArray<BundleResource> = []
  #surroundings = ""
  #checked = new WeakMap<RenderedFile, ReturnType<FileCheck>>()
  #settings = ""

  /** Renders the hosts of one bundle, for one call of `render`. */
  hostRenderer(bundle: Bundle): HostRenderer {
    let begun = false
    return (host, environment, library, addresses) => {
      if (!begun) {
        const { nginx, sockets, treePath } = environment
        const surroundings = JSON.stringify([treePath, nginx, [...sockets], [...addresses]])
        this.#forgetUnless(surroundings, bundle.resources.filter(isShared))
        begun = true
      }
      const id = host.ssl_certificate_id
      const certificate = id === null ? null : environment.index.certificateById(id)
      const known = this.#hosts.get(host)
      if (known !== undefined && known.certificate === certificate) return Result.succeed(known.file)
      const rendered = renderHost(host, environment, library, addresses)
      if (Result.isSuccess(rendered)) this.#hosts.set(host, { file: rendered.success, certificate })
      return rendered
    }
  }

  /** Checks the files of one tree, for one call of `forbiddenIn`. */
  fileCheck(): FileCheck {
    let begun = false
    return (file, settings) => {
      if (!begun) {
        const text = settingsText(settings)
        if (text !== this.#settings) this.#checked = new WeakMap()
        this.#settings = text
        begun = true
      }
      const known = this.#checked.get(file)
      if (known !== undefined) return known
      const found = forbiddenInFile(file, settings)
      this.#checked.set(file, found)
      return found
    }
  }

  #forgetUnless(surroundings: string, shared: ReadonlyArray<BundleResource>): void {
    if (surroundings !== this.#surroundings || !isSameList(shared, this.#shared)) this.#hosts = new WeakMap()
    this.#surroundings = surroundings
    this.#shared = shared
  }
}
