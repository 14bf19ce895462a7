/** How long ago something was, kept true while it is looked at; the exact time for whoever points at it. */
import { Effect, Schedule, Stream } from "effect"
import { Clock } from "effect"
import { Atom } from "effect/reactivity"
import { useAtomValue } from "../atoms/UseAtom.ts"

const nowAtom = Atom.make(
  Stream.fromEffect(Clock.currentTimeMillis).pipe(
    Stream.concat(Stream.fromEffectSchedule(Clock.currentTimeMillis, Schedule.spaced("10 seconds")))
  ),
  { initialValue: Effect.runSync(Clock.currentTimeMillis) }
)

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

export const Ago = ({ at }: { readonly at: string | null }) => {
  const now = useAtomValue(nowAtom)
  const nowMillis = now._tag === "Success" ? now.value : 0
  if (at === null) return <>never</>
  return (
    <time dateTime={at} title={at}>
      {agoText(Date.parse(at), nowMillis)}
    </time>
  )
}
