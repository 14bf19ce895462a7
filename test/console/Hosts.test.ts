/** A virtual host from the form to nginx, a mistake with nginx's own words, the way back, and two people at one host. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { accessibilityProblems, browser, consoleEnvironment, openConsole, signInAs } from "../support/Browser.ts"
import { startAgent, startMaster, workspace } from "../support/Fleet.ts"
import { freePorts } from "../support/FreePort.ts"
import { visit } from "../support/Site.ts"
import { until } from "../support/Wait.ts"

const field = (page: Page, name: RegExp) => page.getByRole("textbox", { name })

const serves = (port: number, words: string) =>
  until(visit(port, "shop.example.com"), ({ text }) => text.includes(words), {
    fact: `nginx answers ${words}`,
    timeoutMillis: 30_000,
    everyMillis: 100
  })

describe("a virtual host in the console", () => {
  it.live("is served when it is published, tells why nginx refuses it, and goes back", () =>
    Effect.gen(function* () {
      const master = yield* startMaster(yield* consoleEnvironment)
      const api = yield* master.admin
      const agent = yield* startAgent(master, api, yield* workspace(api))
      const [port] = yield* freePorts(1)
      const opened = yield* browser
      const { complaints, page } = yield* openConsole(opened, master.origin, "/hosts/new")
      yield* signInAs(page)
      yield* Effect.promise(async () => {
        await field(page, /^Name/).fill("shop")
        await field(page, /^Server name/).fill("shop.example.com")
        await field(page, /^Port/).fill(String(port))
        await page.getByLabel("Answered by").first().click()
        await page.getByRole("option", { name: "A fixed answer" }).click()
        await field(page, /^Text/).fill("open all night")
        await page.getByText(`+    listen ${port};`).waitFor()
        await page.reload()
        assert.strictEqual(await field(page, /^Text/).inputValue(), "open all night", "a draft outlives a reload")
      })
      assert.deepStrictEqual(yield* accessibilityProblems(page), [], "the editor")
      yield* Effect.promise(() => page.getByRole("button", { name: "Publish" }).click())
      yield* serves(port!, "open all night")

      yield* Effect.promise(async () => {
        await page.getByRole("heading", { level: 1, name: "shop" }).waitFor()
        await page.getByRole("textbox", { name: "Raw directives" }).last().fill("no_such_directive on;")
        await page.getByRole("button", { name: "Publish" }).click()
        await page.getByRole("link", { name: "Deployments", exact: true }).click()
        await page
          .getByText(/unknown directive "no_such_directive"/)
          .first()
          .waitFor()
      })
      yield* serves(port!, "open all night")

      yield* Effect.promise(async () => {
        await page.getByRole("link", { name: "Virtual hosts", exact: true }).click()
        await page.getByRole("link", { name: "shop", exact: true }).click()
        await page.getByRole("tab", { name: "History" }).click()
        await page.getByRole("button", { name: "Roll back" }).click()
        await page.getByRole("button", { name: "Roll back to 1" }).click()
        await page.getByText("shop is as it was in version 1").waitFor()
      })
      yield* until(
        api.expect(200, "GET", `/api/v1/agents/${agent.id}`),
        (seen: any) => seen.desired_generation === seen.serving_generation,
        { fact: "the agent serves what it should again", timeoutMillis: 30_000 }
      )
      assert.deepStrictEqual(complaints(), [])
    })
  )

  it.live("that two people change shows both versions to the second, who chooses", () =>
    Effect.gen(function* () {
      const master = yield* startMaster(yield* consoleEnvironment)
      const api = yield* master.admin
      const workspaceId = yield* workspace(api)
      const host = yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
        workspace_id: workspaceId,
        name: "shop",
        server_name: "shop.example.com",
        listen_port: 8080,
        locations: [{ path: "/", return: { status: 200, text: "first" } }]
      })
      const { page } = yield* openConsole(yield* browser, master.origin, `/hosts/${host.id}`)
      yield* signInAs(page)
      yield* Effect.promise(() => field(page, /^Text/).fill("mine"))
      yield* api.expect(200, "PATCH", `/api/v1/virtual-hosts/${host.id}`, { server_name: "other.example.com" })
      yield* Effect.promise(async () => {
        await page.getByText("Somebody saved this meanwhile").waitFor()
        await page.getByRole("button", { name: "Publish" }).click()
        const dialog = page.getByRole("dialog", { name: "It was changed meanwhile" })
        await dialog.getByText("other.example.com").waitFor()
        await dialog.getByRole("button", { name: "Publish mine over it" }).click()
        await page.getByText("shop is published").waitFor()
      })
      const saved = yield* api.expect(200, "GET", `/api/v1/virtual-hosts/${host.id}`)
      assert.strictEqual(saved.locations[0].return.text, "mine")
      assert.strictEqual(saved.server_name, "shop.example.com")
    })
  )
})
