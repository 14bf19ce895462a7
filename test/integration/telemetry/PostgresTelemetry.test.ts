import { Effect } from "effect"
import { telemetryContract } from "../../../packages/master/test/telemetry/TelemetryContract.ts"
import { startPostgres } from "../../support/Postgres.ts"
import { startStore } from "./PostgresFixture.ts"

/** But for the numbers of agents and series: whoever writes remembers them. */
const tables = "positions, writers, health, metrics, metrics_minute, metrics_hour, access_logs, error_logs, events"

telemetryContract(
  "The store in Postgres",
  Effect.gen(function* () {
    const postgres = yield* startPostgres
    const started = yield* startStore(postgres.url)
    // The tables are made by whoever writes first.
    yield* started.store.record([])
    return {
      ...started,
      empty: postgres.sql(`
        DO $$ BEGIN
          IF to_regclass('nxmesh.events') IS NOT NULL THEN
            SET search_path = nxmesh; TRUNCATE ${tables};
          END IF;
        END $$`)
    }
  })
)
