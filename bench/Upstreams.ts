/** Of an upstream of ordinary size. */
export const servers = Array.from({ length: 4 }, (_, i) => ({
  address: `10.0.${i}.1:8080`,
  weight: 1,
  backup: false,
  down: false,
  max_fails: 1,
  fail_timeout: 10
}))
