/** How long ago something was, kept true while it is looked at; the exact time for whoever points at it. */
import { Effect, Schedule, Stream } from "effect"
import { Clock } from "effect"
import { Atom } from "effect/reactivity"
import { agoText } from "./AgoText.ts"
import { useAtomValue } from "../atoms/UseAtom.ts"

const nowAtom = Atom.make(
  Stream.fromEffect(Clock.currentTimeMillis).pipe(
    Stream.concat(Stream.fromEffectSchedule(Clock.currentTimeMillis, Schedule.spaced("10 seconds")))
  ),
  { initialValue: Effect.runSync(Clock.currentTimeMillis) }
)

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
