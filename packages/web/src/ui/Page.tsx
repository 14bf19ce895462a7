/** The frame of a page: one heading, its actions beside it, and a title of the tab that says where one is. */
import { Group, Stack, Text, Title } from "@mantine/core"
import { type ReactNode, useEffect } from "react"

interface PageProps {
  readonly title: string
  /** In front of the tab's title when something is wrong there. */
  readonly mark?: string
  readonly about?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
}

export const Page = ({ about, actions, children, mark, title }: PageProps) => {
  useEffect(() => {
    document.title = `${mark === undefined ? "" : `${mark} `}${title} · NxMesh`
  }, [mark, title])
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-start" wrap="wrap">
        <div>
          <Title order={1} size="h2">
            {title}
          </Title>
          {about !== undefined && (
            <Text c="dimmed" size="sm">
              {about}
            </Text>
          )}
        </div>
        {actions !== undefined && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  )
}

export const Panel = ({ children, title }: { readonly title?: string; readonly children: ReactNode }) => (
  <section className="nx-panel" aria-label={title}>
    {title !== undefined && (
      <Title order={2} size="h5" mb="sm">
        {title}
      </Title>
    )}
    {children}
  </section>
)
