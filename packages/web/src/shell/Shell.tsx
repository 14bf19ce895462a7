/** What is around every page: where one is, how the cluster and the link are, and the ways elsewhere. */
import {
  ActionIcon,
  AppShell,
  Badge,
  Burger,
  Group,
  Menu,
  NavLink,
  Select,
  Text,
  Tooltip,
  useMantineColorScheme
} from "@mantine/core"
import { useDisclosure, useHotkeys } from "@mantine/hooks"
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router"
import { Effect } from "effect"
import { followAtom, linkAtom, overviewAtom } from "../api/Live.ts"
import { signOut } from "../api/Session.ts"
import { useMay, useMe } from "../state/Me.ts"
import { useAtomValue } from "../atoms/UseAtom.ts"
import { useChooseWorkspace, useWorkspace, useWorkspaces } from "../state/Workspace.ts"
import { clusterPill } from "./ClusterPill.ts"
import { MoonIcon, PersonIcon, ScreenIcon, SunIcon } from "../ui/Icons.tsx"
import { type Area, areas } from "./Navigation.ts"

const LinkBadge = () => {
  const link = useAtomValue(linkAtom)
  useAtomValue(followAtom)
  if (link._tag === "Live") {
    return (
      <Badge variant="light" color="green" tt="none" visibleFrom="sm">
        ● live
      </Badge>
    )
  }
  return (
    <Badge variant="light" color="orange" tt="none" role="status">
      ▲ {link._tag === "Connecting" ? "connecting" : "reconnecting"}
    </Badge>
  )
}

const ClusterBadge = () => {
  const result = useAtomValue(overviewAtom(null))
  const cluster = result._tag === "Success" ? result.value.cluster : null
  if (cluster === null) return null
  const { color, text, why } = clusterPill(cluster)
  return (
    <Tooltip label={why} multiline maw={320}>
      <Badge variant="light" color={color} tt="none" visibleFrom="xs">
        {text}
      </Badge>
    </Tooltip>
  )
}

const schemes = { light: "dark", dark: "auto", auto: "light" } as const
const SchemeButton = () => {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const Icon = colorScheme === "auto" ? ScreenIcon : colorScheme === "dark" ? MoonIcon : SunIcon
  const next = schemes[colorScheme]
  return (
    <Tooltip label={`Theme: ${colorScheme}. Change to ${next}`}>
      <ActionIcon
        variant="default"
        size="lg"
        aria-label={`Theme: ${colorScheme}. Change to ${next}`}
        onClick={() => setColorScheme(next)}
      >
        <Icon />
      </ActionIcon>
    </Tooltip>
  )
}

const UserMenu = () => {
  const me = useMe()
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label="Your account">
          <PersonIcon />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{me?.email ?? "…"}</Menu.Label>
        <Menu.Item onClick={() => Effect.runFork(signOut)}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

const WorkspaceSelect = () => {
  const workspaces = useWorkspaces()
  const workspace = useWorkspace()
  const choose = useChooseWorkspace()
  return (
    <Select
      aria-label="Workspace"
      size="xs"
      w={{ base: 130, sm: 180 }}
      data={[{ value: "", label: "All workspaces" }, ...workspaces.map(({ id, name }) => ({ value: id, label: name }))]}
      value={workspace ?? ""}
      onChange={(value) => choose(workspaces.find(({ id }) => id === value)?.id ?? null)}
      allowDeselect={false}
    />
  )
}

const AreaLink = ({ area, onGo }: { readonly area: Area; readonly onGo: () => void }) => {
  const path = useRouterState({ select: ({ location }) => location.pathname })
  const allowed = useMay(area.permission ?? "organization:read")
  if (area.permission !== undefined && !allowed) return null
  const isHere = area.to === "/" ? path === "/" : path.startsWith(area.to)
  return (
    <NavLink
      component={Link}
      to={area.to}
      label={area.label}
      active={isHere}
      aria-current={isHere ? "page" : undefined}
      onClick={onGo}
    />
  )
}

/** `g` and a letter goes to an area. */
const useGoKeys = () => {
  const navigate = useNavigate()
  useHotkeys(
    areas.map(({ key, to }) => [`g>${key}`, () => void navigate({ to })] as const).map(([keys, go]) => [keys, go])
  )
}

export const Shell = () => {
  const [open, { close, toggle }] = useDisclosure(false)
  useGoKeys()
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: "sm", collapsed: { mobile: !open } }}
      padding="md"
    >
      <a href="#content" className="nx-skip">
        Skip to the content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" />
            <Text component={Link} to="/" fw={700} c="inherit" style={{ textDecoration: "none" }}>
              NxMesh
            </Text>
            <WorkspaceSelect />
          </Group>
          <Group gap="xs" wrap="nowrap">
            <ClusterBadge />
            <LinkBadge />
            <SchemeButton />
            <UserMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Areas">
        {areas.map((area) => (
          <AreaLink key={area.to} area={area} onGo={close} />
        ))}
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <Outlet />
      </AppShell.Main>
    </AppShell>
  )
}
