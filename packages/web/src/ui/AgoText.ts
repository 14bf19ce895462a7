/** How long ago, in words. Pure. */
const units: ReadonlyArray<readonly [Intl.RelativeTimeFormatUnit, number]> = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60]
]
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" })

/** Pure: as in `3 minutes ago`; under a minute, `just now`. */
export const agoText = (atMillis: number, nowMillis: number): string => {
  const seconds = Math.round((atMillis - nowMillis) / 1_000)
  const unit = units.find(([, size]) => Math.abs(seconds) >= size)
  return unit === undefined ? "just now" : words.format(Math.trunc(seconds / unit[1]), unit[0])
}
