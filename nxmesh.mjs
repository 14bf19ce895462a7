// The entry of every command: `npm start`, `npm test` and the others run `node nxmesh.mjs <command>`.
//
// It starts under any Node from 20 up, sees to it that the dependencies are the ones the lockfile names (installing them
// on the first run), and hands over to the pinned Node in node_modules. Plain JavaScript, `node:` imports only.

import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, realpathSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { basename, delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(fileURLToPath(import.meta.url))
const modules = join(root, "node_modules")
const stampFile = join(modules, ".nxmesh-installed")
const lock = join(modules, ".nxmesh-installing")
const pinnedNode = join(modules, `node-${process.platform}-${process.arch}`, "bin", "node")
const nodeMajor = Number(process.versions.node.split(".")[0])
const nodeMajorWanted = 24
const signals = ["SIGINT", "SIGTERM", "SIGHUP"]

/** What each command runs, and with which first argument. A missing file is a command that a later release brings. */
const programs = {
  start: ["cli/start.ts"],
  cluster: ["cli/cluster.ts"],
  test: ["cli/test.ts"],
  check: ["cli/check.ts"],
  format: ["cli/format.ts"],
  bench: ["cli/bench.ts"],
  simulate: ["cli/simulate.ts"],
  chaos: ["cli/chaos.ts"],
  faults: ["cli/faults.ts"],
  release: ["cli/release.ts"],
  images: ["cli/images.ts"],
  master: ["cli/program.ts", "master"],
  agent: ["cli/program.ts", "agent"],
  nxmesh: ["cli/program.ts", "nxmesh"]
}

const say = (text) => process.stderr.write(`${text}\n`)

const refuse = (text, code = 1) => {
  say(text)
  process.exit(code)
}

const pause = (millis) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis)

const wantedStamp = () =>
  createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .update(readFileSync(join(root, "package.json")))
    .digest("hex")

/** On platforms without a pinned binary the machine's own Node serves, when it is new enough. */
const nodePath = () =>
  existsSync(pinnedNode) ? pinnedNode : nodeMajor >= nodeMajorWanted ? process.execPath : undefined

const isInstalled = () => {
  try {
    return readFileSync(stampFile, "utf8") === wantedStamp() && nodePath() !== undefined
  } catch {
    return false
  }
}

// ---- one installation at a time ------------------------------------------------------------------------------------

/** Tells a process apart from a later one with the same id. Linux only; elsewhere the id alone has to do. */
const startTime = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop().split(" ")[19]
  } catch {
    return "unknown"
  }
}

const isAlive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === "EPERM"
  }
}

const lockIsStale = () => {
  try {
    const [pid, started] = readFileSync(join(lock, "owner"), "utf8").split(" ")
    return !isAlive(Number(pid)) || startTime(pid) !== started
  } catch {
    // Made, but not signed: its maker is between two system calls, or died there.
    try {
      return Date.now() - statSync(lock).mtimeMs > 5000
    } catch {
      return false
    }
  }
}

const tryMakeDirectory = (path) => {
  try {
    mkdirSync(path)
    return true
  } catch (error) {
    if (error.code === "EEXIST") return false
    throw error
  }
}

/** Only one process may take a stale lock away, or a second one would take away the lock just made. */
const removeStaleLock = () => {
  const takeover = `${lock}-takeover`
  if (!tryMakeDirectory(takeover)) {
    if (Date.now() - statSync(takeover, { throwIfNoEntry: false })?.mtimeMs > 5000)
      rmSync(takeover, { recursive: true, force: true })
    return
  }
  try {
    if (lockIsStale()) rmSync(lock, { recursive: true, force: true })
  } finally {
    rmdirSync(takeover)
  }
}

const withLock = async (action) => {
  mkdirSync(modules, { recursive: true })
  let announced = false
  while (!tryMakeDirectory(lock)) {
    if (lockIsStale()) removeStaleLock()
    else if (!announced) {
      announced = true
      say("nxmesh: another run is installing the dependencies; waiting for it")
    }
    pause(200)
  }
  // Also on a refusal, which ends the process.
  const unlock = () => rmSync(lock, { recursive: true, force: true })
  process.once("exit", unlock)
  writeFileSync(join(lock, "owner"), `${process.pid} ${startTime(process.pid)}`)
  await action()
  process.removeListener("exit", unlock)
  unlock()
}

// ---- installing ----------------------------------------------------------------------------------------------------

/** npm's own script: the npm that runs us, else the one beside this Node, else the one on PATH. */
const findNpm = () => {
  const running = process.env.npm_execpath
  if (running && /^npm(-cli)?(\.c?js)?$/.test(basename(running)) && existsSync(running)) return running
  const folder = dirname(process.execPath)
  const candidates = [
    join(folder, "..", "lib", "node_modules", "npm", "bin", "npm-cli.js"),
    join(folder, "..", "share", "nodejs", "npm", "bin", "npm-cli.js"),
    ...[folder, ...(process.env.PATH ?? "").split(delimiter)].map((path) => join(path, "npm"))
  ]
  return candidates
    .filter(existsSync)
    .map((path) => realpathSync(path))
    .find((path) => path.endsWith(".js"))
}

// npm's own retries are off: without a network it would try every package for half a minute, one after the other. Instead the whole
// installation is tried again, and goes on from what npm's cache has by then.
const installFlags =
  "--no-save --include=dev --include=optional --no-audit --no-fund --loglevel=error --fetch-retries=0"
const installAttempts = 3

const readable = (output) =>
  output
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^npm (error|ERR!)\s+at /.test(line))
    .slice(0, 12)
    .join("\n")

const failInstall = (output) =>
  refuse(
    `${readable(output)}\n\nnxmesh: the dependencies could not be installed. The first run needs ` +
      "the npm registry (npm config get registry) and a disk with 700 MB free; then run the same command again."
  )

/** Answers npm's output when it failed. On a signal npm is left the time to undo what it began, or the next run would meet it. */
const attemptInstall = (node, npm) =>
  new Promise((resolve) => {
    const child = spawn(node, [npm, "install", ...installFlags.split(" ")], {
      cwd: root,
      detached: true,
      env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}` },
      stdio: ["ignore", "pipe", "pipe"]
    })
    const output = []
    child.stdout.on("data", (chunk) => output.push(chunk))
    child.stderr.on("data", (chunk) => output.push(chunk))
    let interrupted = false
    const interrupt = () => {
      interrupted = true
      child.kill("SIGTERM")
    }
    for (const signal of signals) process.on(signal, interrupt)
    child.on("error", (error) => resolve(error.message))
    child.on("close", (code) => {
      for (const signal of signals) process.removeListener(signal, interrupt)
      if (interrupted) process.exit(130)
      resolve(code === 0 ? undefined : Buffer.concat(output).toString("utf8"))
    })
  })

const runNpmInstall = async (node, npm) => {
  let problem = await attemptInstall(node, npm)
  for (let attempt = 1; attempt < installAttempts && problem !== undefined; attempt++)
    problem = await attemptInstall(node, npm)
  if (problem !== undefined) failInstall(problem)
}

const install = async () => {
  if (isInstalled()) return
  const npm = findNpm()
  if (npm === undefined)
    refuse("nxmesh: npm was not found. Install npm (9 or newer), or run this through npm: npm start")
  say("nxmesh: installing the dependencies (once; about half a minute)")
  await runNpmInstall(process.execPath, npm)
  const node = nodePath()
  if (node === undefined) {
    refuse(
      `nxmesh: there is no pinned Node for ${process.platform}-${process.arch}. Run with Node ${nodeMajorWanted} or newer.`
    )
  }
  // npm skips, without a word, optional native packages whose `engines` want a newer Node than the one it runs on.
  if (nodeMajor < nodeMajorWanted && node !== process.execPath) await runNpmInstall(node, npm)
  writeFileSync(stampFile, wantedStamp())
}

// ---- running -------------------------------------------------------------------------------------------------------

/**
 * Runs a program and ends as it ends. It gets a process group of its own, so that Ctrl-C reaches it once: the terminal and npm
 * both signal this process, and repeats within half a second are the same Ctrl-C. The IPC channel tells it when we are killed.
 */
const run = (node, file, args) => {
  const child = spawn(node, [file, ...args], {
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}` },
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    detached: true
  })
  let forwardedAt = 0
  const forward = (signal) => {
    const now = Date.now()
    if (now - forwardedAt < 500) return
    forwardedAt = now
    child.kill(signal)
  }
  for (const signal of signals) process.on(signal, forward)
  child.on("error", (error) => refuse(`nxmesh: ${node} could not be started: ${error.message}`))
  child.on("exit", (code, signal) => {
    for (const name of signals) process.removeListener(name, forward)
    if (signal) process.kill(process.pid, signal)
    else process.exit(code ?? 1)
  })
}

const main = async () => {
  const [command, ...args] = process.argv.slice(2)
  if (command === undefined || !Object.hasOwn(programs, command)) {
    refuse(`usage: node nxmesh.mjs <${Object.keys(programs).join(" | ")}> [arguments]`, 2)
  }
  if (nodeMajor < 20) refuse(`nxmesh: Node 20 or newer is needed to start; this is ${process.version}`)
  const [path, ...first] = programs[command]
  const file = join(root, path)
  if (!existsSync(file)) refuse(`nxmesh: "${command}" is not available yet`, 2)
  if (!isInstalled()) await withLock(install)
  run(nodePath(), file, [...first, ...args])
}

await main()
