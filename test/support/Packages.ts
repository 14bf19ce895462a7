/** A program that the suite uses, and the Debian package that brings it. */
export interface RequiredProgram {
  readonly program: string
  readonly debianPackage: string
  readonly purpose: string
}

/** Every program beyond Node and git that the suite runs. `npm test` installs what is missing when it runs as root on Debian. */
export const requiredPrograms: ReadonlyArray<RequiredProgram> = [
  { program: "nginx", debianPackage: "nginx", purpose: "the real thing that every deployment test drives" },
  { program: "wrk", debianPackage: "wrk", purpose: "load across reloads" },
  { program: "strace", debianPackage: "strace", purpose: "the order of fsyncs during a swap" },
  { program: "promtool", debianPackage: "prometheus", purpose: "checks the text of /metrics" },
  {
    program: "openssl",
    debianPackage: "openssl",
    purpose: "certificates and keys of every shape, TLS seen from outside"
  },
  { program: "curl", debianPackage: "curl", purpose: "requests as an operator makes them" },
  { program: "ip", debianPackage: "iproute2", purpose: "ports and addresses, hosts of a test" },
  { program: "tc", debianPackage: "iproute2", purpose: "slow links between hosts of a test" },
  { program: "nsenter", debianPackage: "util-linux", purpose: "programs on hosts of a test" },
  { program: "mkfs.ext4", debianPackage: "e2fsprogs", purpose: "disks of a test, which fill up" },
  { program: "setpriv", debianPackage: "util-linux", purpose: "the rights of Docker and Kubernetes, for sidecars" },
  { program: "pg_ctlcluster", debianPackage: "postgresql", purpose: "the other store of telemetry" },
  { program: "redis-server", debianPackage: "redis-server", purpose: "counters and tails that masters share" },
  { program: "chromium", debianPackage: "chromium", purpose: "the console as people see it" },
  { program: "systemd-analyze", debianPackage: "systemd", purpose: "checks the units of packaging/systemd" }
]

/** What `npm run images` needs besides. The suite does not: it takes minutes and the network once. */
export const imagePrograms: ReadonlyArray<RequiredProgram> = [
  { program: "buildah", debianPackage: "buildah", purpose: "builds the images of docker/" },
  { program: "debootstrap", debianPackage: "debootstrap", purpose: "makes the Debian that they are built on" }
]
