import { MantineProvider } from "@mantine/core"
import { RouterProvider } from "@tanstack/react-router"
import { Effect } from "effect"
import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { resume } from "./api/Session.ts"
import { router } from "./Router.tsx"
import "./theme/MantineStyles.ts"
import { cssVariablesResolver, theme } from "./theme/Theme.ts"
import { Toasts } from "./ui/Toasts.tsx"

Effect.runFork(resume)

const root = document.getElementById("root")
if (root === null) throw new Error("the page has no element with the id root")
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={cssVariablesResolver} defaultColorScheme="auto">
      <Toasts />
      <RouterProvider router={router} />
    </MantineProvider>
  </StrictMode>
)
