/** Every address of the console. A page's code is loaded when somebody means to go there. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router"
import { readAgentsSearch } from "./features/agents/AgentsSearch.ts"
import { Door } from "./shell/Door.tsx"
import { readListSearch } from "./ui/ListSearch.ts"
import { NotFound } from "./ui/NotFound.tsx"

const root = createRootRoute({ component: Door, notFoundComponent: NotFound })
const getParentRoute = () => root

const dashboard = createRoute({
  getParentRoute,
  path: "/",
  component: lazyRouteComponent(() => import("./features/dashboard/Dashboard.tsx"), "Dashboard")
})

const agents = createRoute({
  getParentRoute,
  path: "/agents",
  validateSearch: readAgentsSearch,
  component: lazyRouteComponent(() => import("./features/agents/Agents.tsx"), "Agents")
})

const agent = createRoute({
  getParentRoute,
  path: "/agents/$id",
  component: lazyRouteComponent(() => import("./features/agents/AgentDetail.tsx"), "AgentDetail")
})

const hosts = createRoute({
  getParentRoute,
  path: "/hosts",
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import("./features/hosts/Hosts.tsx"), "Hosts")
})

const newHost = createRoute({
  getParentRoute,
  path: "/hosts/new",
  component: lazyRouteComponent(() => import("./features/hosts/HostPage.tsx"), "NewHostPage")
})

const host = createRoute({
  getParentRoute,
  path: "/hosts/$id",
  component: lazyRouteComponent(() => import("./features/hosts/HostPage.tsx"), "HostPage")
})

const deployments = createRoute({
  getParentRoute,
  path: "/deployments",
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import("./features/deployments/Deployments.tsx"), "Deployments")
})

const cluster = createRoute({
  getParentRoute,
  path: "/cluster",
  component: lazyRouteComponent(() => import("./features/cluster/ClusterPage.tsx"), "ClusterPage")
})

export const router = createRouter({
  routeTree: root.addChildren([dashboard, agents, agent, hosts, newHost, host, deployments, cluster]),
  defaultPreload: "intent",
  scrollRestoration: true
})

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router
  }
}
