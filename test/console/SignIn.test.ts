/** Who gets in, and what they see first. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { accessibilityProblems, browser, consoleEnvironment, openConsole, signInAs } from "../support/Browser.ts"
import { startAgent, startMaster, workspace } from "../support/Fleet.ts"

describe("the console", () => {
  it.live("lets in who has the password, shows the fleet, and remembers them over a reload", () =>
    Effect.gen(function* () {
      const master = yield* startMaster(yield* consoleEnvironment)
      const api = yield* master.admin
      const agent = yield* startAgent(master, api, yield* workspace(api))
      const { complaints, page } = yield* openConsole(yield* browser, master.origin)
      assert.deepStrictEqual(yield* accessibilityProblems(page), [], "the door")
      yield* Effect.promise(async () => {
        await page.getByLabel("Email").fill("admin@example.com")
        await page.getByLabel("Password").first().fill("not the password")
        await page.getByRole("button", { name: "Sign in" }).click()
        await page.getByText("You are not signed in").waitFor()
      })
      yield* signInAs(page)
      const { name } = yield* api.expect(200, "GET", `/api/v1/agents/${agent.id}`)
      yield* Effect.promise(async () => {
        await page.getByText("1 Online").waitFor()
        await page.getByText("● live").waitFor()
        await page.getByRole("link", { name: "Agents", exact: true }).click()
        await page.getByRole("link", { name, exact: true }).waitFor()
        await page.reload()
        await page.getByRole("link", { name, exact: true }).click()
        await page.getByRole("heading", { level: 1, name }).waitFor()
      })
      for (const scheme of ["light", "dark"] as const) {
        yield* Effect.promise(() => page.emulateMedia({ colorScheme: scheme }))
        assert.deepStrictEqual(yield* accessibilityProblems(page), [], `an agent's page, ${scheme}`)
      }
      yield* Effect.promise(async () => {
        await page.getByRole("button", { name: "Your account" }).click()
        await page.getByRole("menuitem", { name: "Sign out" }).click()
        await page.getByRole("button", { name: "Sign in" }).waitFor()
      })
      assert.deepStrictEqual(complaints(), [])
    })
  )
})
