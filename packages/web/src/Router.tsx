/** Every address of the console. A page's code is loaded when somebody means to go there. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router"
import { readAgentsSearch } from "./features/agents/AgentsSearch.ts"
import { Door } from "./shell/Door.tsx"

const root = createRootRoute({ component: Door })

const dashboard = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: lazyRouteComponent(() => import("./features/dashboard/Dashboard.tsx"), "Dashboard")
})

const agents = createRoute({
  getParentRoute: () => root,
  path: "/agents",
  validateSearch: readAgentsSearch,
  component: lazyRouteComponent(() => import("./features/agents/Agents.tsx"), "Agents")
})

const agent = createRoute({
  getParentRoute: () => root,
  path: "/agents/$id",
  component: lazyRouteComponent(() => import("./features/agents/AgentDetail.tsx"), "AgentDetail")
})

export const router = createRouter({
  routeTree: root.addChildren([dashboard, agents, agent]),
  defaultPreload: "intent",
  scrollRestoration: true
})

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router
  }
}
