/** How the console looks: one accent, system fonts, and contrasts that pass WCAG 2.2 AA in both schemes. */
import {
  createTheme,
  type CSSVariablesResolver,
  type MantineColorsTuple,
  type VariantColorsResolver
} from "@mantine/core"
import { defaultVariantColorsResolver } from "@mantine/core"

const mesh: MantineColorsTuple = [
  "#e6faf3",
  "#d3f1e5",
  "#a6e3ca",
  "#76d4ad",
  "#4fc795",
  "#37bf85",
  "#22a06f",
  "#128760",
  "#0b7a5b",
  "#06694d"
]

/** Light variants of badges and buttons in Mantine's own shades fall below 4.5:1: text takes the darkest or the lightest. */
const variantColorResolver: VariantColorsResolver = (input) => {
  const colors = defaultVariantColorsResolver(input)
  if (input.variant !== "light" && input.variant !== "outline" && input.variant !== "subtle") return colors
  const name = input.color ?? input.theme.primaryColor
  return name in input.theme.colors ? { ...colors, color: `var(--nx-${name}-text, ${colors.color})` } : colors
}

const tones = ["mesh", "green", "red", "orange", "yellow", "blue", "gray", "grape"] as const

const textTones = (theme: Parameters<CSSVariablesResolver>[0], shade: number) =>
  Object.fromEntries(tones.map((name) => [`--nx-${name}-text`, theme.colors[name]?.[shade] ?? "inherit"]))

export const cssVariablesResolver: CSSVariablesResolver = (theme) => ({
  variables: {},
  light: {
    "--nx-mesh-text": "#055c43",
    "--nx-green-text": "#17602a",
    "--nx-red-text": "#9b1111",
    "--nx-orange-text": "#7d3500",
    "--nx-yellow-text": "#5f4200",
    "--nx-blue-text": "#0a4a88",
    "--nx-gray-text": "#3d444d",
    "--nx-grape-text": "#6b1f7f",
    "--mantine-color-dimmed": "#59636e",
    "--mantine-color-body": "#f6f8fa",
    "--nx-panel": "#ffffff",
    "--nx-line": "#d8dee4"
  },
  dark: {
    ...textTones(theme, 2),
    "--mantine-color-dimmed": "#9aa4af",
    "--mantine-color-body": "#0d1117",
    "--nx-panel": "#151b23",
    "--nx-line": "#2b333d"
  }
})

export const theme = createTheme({
  primaryColor: "mesh",
  primaryShade: 8,
  colors: { mesh },
  variantColorResolver,
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace",
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true
})
