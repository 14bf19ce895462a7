/** The same buckets in Redis, so that masters count together: one script, by Redis' own clock. */
import type { RateLimit } from "@nxmesh/protocol/model/NetworkSettings"
import { Effect } from "effect"
import { Limits } from "../Limits.ts"
import { type Redis, RedisUnavailable } from "../redis/Redis.ts"
import type { Taking } from "./TokenBucket.ts"

/** TokenBucket.ts in Lua. A bucket that is full again is one that is not there. Answers milliseconds as texts: Lua's numbers are cut. */
const script = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local interval, burst = 1000 / tonumber(ARGV[1]), tonumber(ARGV[2])
local capacity = interval * burst
local before = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or now), now), now + capacity)
local after = before + interval
local wait = after - now - capacity
if wait >= 0.001 then
  return { 0, math.floor((capacity - (before - now)) / interval + 0.001), string.format('%.3f', wait), string.format('%.3f', before - now) }
end
redis.call('SET', KEYS[1], string.format('%.3f', after), 'PX', math.max(1, math.ceil(after - now)))
return { 1, math.floor((capacity - (after - now)) / interval + 0.001), '0', string.format('%.3f', after - now) }
`

const isAnswer = (answer: unknown): answer is [number, number, string, string] =>
  Array.isArray(answer) && answer.length === 4 && Number.isFinite(Number(answer[3]))

export const takeShared = (redis: Redis["Service"], name: string, { burst, per_second }: RateLimit) =>
  redis
    .run((client) => client.eval(script, 1, `nxmesh:rate:${name}`, per_second, burst))
    .pipe(
      Effect.timeoutOrElse({
        duration: Limits.network.sharedBucketTimeout,
        orElse: () => Effect.fail(new RedisUnavailable({ message: "Redis takes too long to count" }))
      }),
      Effect.flatMap((answer) =>
        isAnswer(answer)
          ? Effect.succeed<Taking>({
              isAllowed: answer[0] === 1,
              // Redis remembers it.
              fullAtMillis: 0,
              remaining: Math.max(0, answer[1]),
              waitMillis: Number(answer[2]),
              fullAfterMillis: Number(answer[3])
            })
          : Effect.fail(new RedisUnavailable({ message: "Redis answered something else than the script says" }))
      )
    )
