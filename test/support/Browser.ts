/** A real browser, and the console as it is built from the sources of this moment. */
import { AxeBuilder } from "@axe-core/playwright"
import { Effect, type Scope } from "effect"
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core"
import { consoleFolder } from "../../cli/console/ConsoleBuild.ts"
import { administrator } from "./Fleet.ts"

/** Nothing of its own over the network, and no sandbox, which a root in a container has no rights for. */
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync"
]

export const browser: Effect.Effect<Browser, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() => chromium.launch({ executablePath: "/usr/bin/chromium", args: flags })),
  (opened) => Effect.promise(() => opened.close())
)

/** For masters that serve the console. */
export const consoleEnvironment: Effect.Effect<Readonly<Record<string, string>>> = Effect.map(
  Effect.promise(() => consoleFolder()),
  (folder) => ({ NXMESH_CONSOLE_DIR: folder })
)

export interface ConsolePage {
  readonly page: Page
  /** What scripts complained of: errors that nobody caught, and what the browser refused by the page's policy. */
  readonly complaints: () => ReadonlyArray<string>
}

/** What a browser prints for an answer that a page expects to be refused now and then. */
const isExpected = (text: string): boolean => /Failed to load resource/.test(text)

export const openConsole = (
  opened: Browser,
  origin: string,
  path = "/",
  options: BrowserContextOptions = {}
): Effect.Effect<ConsolePage, never, Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Effect.acquireRelease(
      Effect.promise(() => opened.newContext({ viewport: { width: 1280, height: 800 }, ...options })),
      (one) => Effect.promise(() => one.close())
    )
    const page = yield* Effect.promise(() => context.newPage())
    const complaints: Array<string> = []
    page.on("pageerror", (error) => complaints.push(error.message))
    page.on("console", (message) => {
      if (message.type() === "error" && !isExpected(message.text())) complaints.push(message.text())
    })
    yield* Effect.promise(() => page.goto(`${origin}${path}`))
    return { page, complaints: () => complaints }
  })

export const signInAs = (page: Page, email = administrator.email, password = administrator.password) =>
  Effect.promise(async () => {
    await page.getByLabel("Email").fill(email)
    await page.getByLabel("Password").first().fill(password)
    await page.getByRole("button", { name: "Sign in" }).click()
    await page.getByRole("navigation", { name: "Areas" }).waitFor()
  })

/** What axe finds of serious or critical kind, each in one line. */
export const accessibilityProblems = (page: Page): Effect.Effect<ReadonlyArray<string>> =>
  Effect.promise(async () => {
    const { violations } = await new AxeBuilder({ page }).analyze()
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ help, id, nodes }) => `${id}: ${help} (${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")})`)
  })
