/**
 * How often one address may try to join: fixed windows, for a bounded number of addresses. Pure, with the table inside:
 * whoever has one owns it alone.
 */
export interface JoinRateOptions {
  readonly attemptsMax: number
  readonly windowMillis: number
  /** The address that has been known for longest is forgotten for one more. */
  readonly addressesMax: number
}

export class JoinRate {
  private readonly options: JoinRateOptions
  private readonly windows = new Map<string, { readonly endsMillis: number; attempts: number }>()

  constructor(options: JoinRateOptions) {
    this.options = options
  }

  /** Counts an attempt; false when it is one too many. */
  take(address: string, nowMillis: number): boolean {
    const found = this.windows.get(address)
    if (found !== undefined && nowMillis < found.endsMillis) {
      found.attempts += 1
      return found.attempts <= this.options.attemptsMax
    }
    this.windows.delete(address)
    const [oldest] = this.windows.keys()
    if (this.windows.size >= this.options.addressesMax && oldest !== undefined) this.windows.delete(oldest)
    this.windows.set(address, { endsMillis: nowMillis + this.options.windowMillis, attempts: 1 })
    return true
  }
}
