/** A unified diff, its lines told apart by sign and by colour. */
import { Text } from "@mantine/core"

const toneOf = (line: string): string => (line.startsWith("+") ? "nx-added" : line.startsWith("-") ? "nx-removed" : "")

export const DiffText = ({ name, text }: { readonly name: string; readonly text: string }) => (
  <figure style={{ margin: 0 }}>
    <Text component="figcaption" size="sm" className="nx-mono" mb={4}>
      {name}
    </Text>
    {/* A region that scrolls has to be reachable by the keyboard. */}
    {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
    <pre className="nx-diff" tabIndex={0} aria-label={`Difference of ${name}`}>
      {text.split("\n").map((line, at) => (
        <span key={at} className={toneOf(line)}>
          {line}
          {"\n"}
        </span>
      ))}
    </pre>
  </figure>
)
