import { defineConfig } from "vitest/config"
import { LongestFirst } from "./test/support/LongestFirst.ts"

/** One project per part of the suite; `npm test` runs them one after the other (test/support/Budget.ts). */
export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          // Files share two processes: each in one of its own, they would spend half of this part's time on loading the same modules.
          isolate: false,
          include: [
            "packages/*/test/**/*.test.ts",
            "test/support/**/*.test.ts",
            "test/cli/**/*.test.ts",
            "test/chaos/decisions/**/*.test.ts"
          ],
          exclude: ["packages/raft/test/simulation/**"],
          testTimeout: 20_000,
          hookTimeout: 20_000
        }
      },
      {
        // Its files use every processor by themselves.
        extends: true,
        test: {
          name: "simulation",
          include: ["packages/raft/test/simulation/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 60_000
        }
      },
      {
        extends: true,
        test: { name: "architecture", include: ["test/architecture/**/*.test.ts"], testTimeout: 20_000 }
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          isolate: false,
          // Much of it waits: for nginx to drain, for timeouts of real sockets.
          maxWorkers: 3,
          // Parts with another number of workers run after each other, also where one command names both.
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 60_000
        }
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000
        }
      },
      {
        // In a real browser, against real programs.
        extends: true,
        test: {
          name: "console",
          include: ["test/console/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000
        }
      },
      {
        extends: true,
        test: {
          name: "cluster",
          include: ["test/chaos/*.test.ts"],
          exclude: ["test/chaos/Chaos.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000
        }
      },
      {
        // By `npm run images -- --test` alone, which builds them first.
        extends: true,
        test: {
          name: "images",
          include: ["test/images/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 120_000
        }
      },
      {
        // Alone: it wants many operations of the machine, and faults that are the cluster's own.
        extends: true,
        test: { name: "chaos", include: ["test/chaos/Chaos.test.ts"], hookTimeout: 60_000 }
      }
    ]
  }
})
