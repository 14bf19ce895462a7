/**
 * Goal: the crash tests find what they are for. Method: each bug is a patch of a copy of the sources, which must match;
 * the crash tests that pass without it must not pass with it.
 */
import { assert, describe, it } from "@effect/vitest"
import type { DiskStorage } from "@nxmesh/raft/storage/DiskStorage"
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { cutEverywhere, failEverywhere, killEverywhere } from "./CrashHarness.ts"
import type { OpenStorage } from "./CrashHarness.ts"
import { tinyLog } from "./Samples.ts"

interface Bug {
  readonly name: string
  readonly patches: ReadonlyArray<{ readonly file: string; readonly from: string; readonly to: string }>
  readonly found: (open: OpenStorage) => string | null
}

const failEIO = (open: OpenStorage): string | null => failEverywhere(open, "EIO")

const bugs: ReadonlyArray<Bug> = [
  {
    name: "the flush of the log is skipped",
    patches: [
      {
        file: "log/SegmentWriter.ts",
        from: 'systemCall("flush", this.path, this.durableTo, () => this.file.sync())\n    this.durableTo = this.position\n    this.mark.write({ segment: this.segment, offset: this.durableTo })',
        to: "this.durableTo = this.position\n    this.mark.write({ segment: this.segment, offset: this.durableTo })"
      }
    ],
    found: cutEverywhere
  },
  {
    name: "a segment is sealed without a flush",
    patches: [{ file: "log/SegmentedLog.ts", from: "    before.sync()\n", to: "    before.flush()\n" }],
    found: cutEverywhere
  },
  {
    name: "the vote is not flushed",
    patches: [{ file: "DiskStorage.ts", from: "      this.opened.hardState.sync()\n", to: "" }],
    found: cutEverywhere
  },
  {
    name: "the place of the durable vote is written again",
    patches: [
      {
        file: "HardStateFile.ts",
        from: "if (!this.isDirty) this.sequence += 1",
        to: "if (!this.isDirty) this.sequence += 2"
      }
    ],
    found: cutEverywhere
  },
  {
    name: "the directory is not flushed for a new segment",
    patches: [
      {
        file: "log/SegmentedLog.ts",
        from: '  systemCall("flush", directory, null, () => files.syncDirectory(directory))\n  const position',
        to: "  const position"
      }
    ],
    found: cutEverywhere
  },
  {
    name: "the head of a new segment is not flushed",
    patches: [{ file: "log/SegmentedLog.ts", from: '  systemCall("flush", path, 0, () => file.sync())\n', to: "" }],
    found: cutEverywhere
  },
  {
    name: "a snapshot counts before it is flushed",
    patches: [
      {
        file: "snapshot/SnapshotReceiver.ts",
        from: '    systemCall("flush", target.path, null, () => target.file.sync())\n',
        to: ""
      }
    ],
    found: cutEverywhere
  },
  {
    name: "the name of a snapshot is not flushed",
    patches: [
      {
        file: "snapshot/SnapshotReceiver.ts",
        from: '    systemCall("flush", dirname(this.finalPath), null, () => files.syncDirectory(dirname(this.finalPath)))\n',
        to: ""
      }
    ],
    found: cutEverywhere
  },
  {
    name: "recovery takes for durable what it could read",
    patches: [{ file: "log/LogRecovery.ts", from: "    this.rewrite(path, file, segment, scan)\n", to: "" }],
    found: killEverywhere
  },
  {
    name: "recovery flushes what it read, and writes nothing again",
    patches: [{ file: "log/LogRecovery.ts", from: "if (bytes.length > 0) {", to: "if (bytes.length < 0) {" }],
    found: failEIO
  },
  {
    name: "the hard state is believed as it was read",
    patches: [{ file: "HardStateFile.ts", from: "    opened.write(newest.state)\n    opened.sync()\n", to: "" }],
    found: failEIO
  },
  {
    name: "a failed flush is tried again",
    patches: [
      {
        file: "log/SegmentWriter.ts",
        from: '    systemCall("flush", this.path, this.durableTo, () => this.file.sync())\n    this.durableTo = this.position\n    this.mark.write({ segment: this.segment, offset: this.durableTo })',
        to: "    try {\n      this.file.sync()\n    } catch {\n      this.file.sync()\n    }\n    this.durableTo = this.position\n    this.mark.write({ segment: this.segment, offset: this.durableTo })"
      }
    ],
    found: failEIO
  },
  {
    name: "what is left of a torn tail is taken for what follows a new record",
    patches: [
      {
        file: "log/LogRecovery.ts",
        from: "    if (scan.torn) this.zero(path, file, position, size)\n",
        to: ""
      },
      { file: "log/SegmentScan.ts", from: "record === null || record.previous !== checksum", to: "record === null" }
    ],
    found: cutEverywhere
  },
  {
    name: "the mark goes ahead of the flush",
    patches: [
      {
        file: "log/SegmentWriter.ts",
        from: "    this.flush()\n    if (this.durableTo === this.position) return\n",
        to: "    this.mark.write({ segment: this.segment, offset: this.position })\n    this.flush()\n    if (this.durableTo === this.position) return\n"
      }
    ],
    found: cutEverywhere
  },
  {
    name: "a truncation is not logged",
    patches: [{ file: "log/SegmentedLog.ts", from: "    this.record(RecordKind.Truncate, index, lastTerm)\n", to: "" }],
    found: cutEverywhere
  },
  {
    name: "a log that contradicts the snapshot is kept",
    patches: [{ file: "Directory.ts", from: "if (!isBehind && !contradicts) return", to: "return" }],
    found: cutEverywhere
  },
  {
    name: "the newest files of the log are removed first",
    patches: [
      {
        file: "log/SegmentedLog.ts",
        from: "for (const { segment } of dead) {",
        to: "for (const { segment } of dead.toReversed()) {"
      }
    ],
    found: cutEverywhere
  }
]

const sources = fileURLToPath(new URL("../../src", import.meta.url))
const libraries = fileURLToPath(new URL("../../../../node_modules", import.meta.url))

const planted = async (bug: Bug): Promise<string | null> => {
  const directory = await mkdtemp(join(tmpdir(), "raft-planted-"))
  try {
    await cp(sources, join(directory, "src"), { recursive: true })
    await symlink(libraries, join(directory, "node_modules"))
    await writeFile(join(directory, "package.json"), '{ "type": "module" }')
    for (const { file, from, to } of bug.patches) {
      const path = join(directory, "src/storage", file)
      const text = await readFile(path, "utf8")
      assert.lengthOf(text.split(from), 2, `the patch matches ${file} once`)
      await writeFile(
        path,
        text.replace(from, () => to)
      )
    }
    const module = (await import(pathToFileURL(join(directory, "src/storage/DiskStorage.ts")).href)) as {
      readonly DiskStorage: typeof DiskStorage
    }
    return bug.found((disk) => module.DiskStorage.open(disk, "/raft", tinyLog))
  } finally {
    await rm(directory, { recursive: true })
  }
}

describe("the crash tests", () => {
  for (const bug of bugs) {
    it(`notice when ${bug.name}`, async () => {
      assert.notStrictEqual(await planted(bug), null)
    })
  }
})
