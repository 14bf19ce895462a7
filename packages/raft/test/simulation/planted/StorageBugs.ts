import type { PlantedBug } from "./PlantedBug.ts"

/** Ways to lose what was confirmed. The crash tests of test/storage know more of them; these must be seen by clusters too. */
export const storageBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "the flush of the log is skipped",
    file: "storage/log/SegmentWriter.ts",
    find: 'systemCall("flush", this.path, this.durableTo, () => this.file.sync())',
    replace: ""
  },
  {
    name: "the flush of term and vote is skipped",
    file: "storage/DiskStorage.ts",
    find: "      this.opened.hardState.sync()\n",
    replace: ""
  },
  {
    name: "a torn tail is accepted, whatever its checksums say",
    file: "storage/log/RecordFormat.ts",
    find: "if (crc32c(bytes, at + 4, at + recordHeaderBytes + length) !== checksum) return null",
    replace: ""
  },
  {
    name: "a damaged middle is taken for a torn tail",
    file: "storage/log/SegmentScan.ts",
    find: "const proofOfDamage = torn ? findProof(bytes, segment, end) : null",
    replace: "const proofOfDamage = torn && end < 0 ? findProof(bytes, segment, end) : null"
  },
  {
    name: "the place of the durable vote is written again",
    file: "storage/HardStateFile.ts",
    find: "if (!this.isDirty) this.sequence += 1",
    replace: "if (!this.isDirty) this.sequence += 2"
  },
  {
    name: "a snapshot counts before it is flushed",
    file: "storage/snapshot/SnapshotReceiver.ts",
    find: '    systemCall("flush", target.path, null, () => target.file.sync())\n    this.isOpen',
    replace: "    this.isOpen"
  },
  {
    name: "a flush that failed counts",
    file: "storage/log/SegmentWriter.ts",
    find: 'systemCall("flush", this.path, this.durableTo, () => this.file.sync())',
    replace: "try {\n      this.file.sync()\n    } catch {}"
  }
]
