/**
 * Stands for every certificate and key in a tree that is only tested. It guards nothing, and whoever reads it has nothing: the
 * sandbox must not see a real key, and nginx wants one that it can load.
 */
const pem = (kind: string, lines: ReadonlyArray<string>): string =>
  [`-----BEGIN ${kind}-----`, ...lines, `-----END ${kind}-----`, ""].join("\n")

export const dummyKey = pem("PRIVATE KEY", [
  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg0whNbHdywUoyiQEt",
  "KLieD0RjzhWIcbWxQ9/357fjKXmhRANCAARKbnHCPhhkeJzr5w3iJEbSts2PENQI",
  "nCNjORH4mqWBxzhnIq1e8ZSRbuYgitqQk/LkFvXK0TXcb8l6YLOeyEcY"
])

export const dummyCertificate = pem("CERTIFICATE", [
  "MIIBjDCCATGgAwIBAgIUadjgjB7RkfF3HJ21nPhCMEBQiAkwCgYIKoZIzj0EAwIw",
  "GjEYMBYGA1UEAwwPc2FuZGJveC5pbnZhbGlkMCAXDTI2MTEyMTIxNTkxOFoYDzIx",
  "MjYxMDI4MjE1OTE4WjAaMRgwFgYDVQQDDA9zYW5kYm94LmludmFsaWQwWTATBgcq",
  "hkjOPQIBBggqhkjOPQMBBwNCAARKbnHCPhhkeJzr5w3iJEbSts2PENQInCNjORH4",
  "mqWBxzhnIq1e8ZSRbuYgitqQk/LkFvXK0TXcb8l6YLOeyEcYo1MwUTAdBgNVHQ4E",
  "FgQUBxxNTy4wda/Tyfipx3swYZ1rBVEwHwYDVR0jBBgwFoAUBxxNTy4wda/Tyfip",
  "x3swYZ1rBVEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA9CE9",
  "nFOQ0BFxVIjOV8A+k3fAxfDb0S9FfGXvlNoloAgCIQDRrAljNXaZosSmpEE8p0VN",
  "x90Kj4nAne0U3n2Zgi1Keg=="
])
