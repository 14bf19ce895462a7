/** Nothing to show, of three kinds: none yet, none that matches, none that one may see. Each says what to do next. */
import { Stack, Text } from "@mantine/core"
import type { ReactNode } from "react"

export const Empty = ({
  action,
  text,
  title
}: {
  readonly title: string
  readonly text: string
  readonly action?: ReactNode
}) => (
  <Stack align="center" gap="xs" py="xl">
    <Text fw={600}>{title}</Text>
    <Text c="dimmed" size="sm" ta="center" maw={480}>
      {text}
    </Text>
    {action}
  </Stack>
)
