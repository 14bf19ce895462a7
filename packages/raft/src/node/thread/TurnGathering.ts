/** Gathers what is said in one turn of the event loop, so that it leaves as one message to the other thread. */
export class TurnGathering<Message> {
  private gathered: Array<Message> = []
  private readonly atEndOfTurn: (action: () => void) => void
  private readonly post: (messages: ReadonlyArray<Message>) => void

  constructor(atEndOfTurn: (action: () => void) => void, post: (messages: ReadonlyArray<Message>) => void) {
    this.atEndOfTurn = atEndOfTurn
    this.post = post
  }

  add(message: Message): void {
    if (this.gathered.length === 0) this.atEndOfTurn(() => this.flush())
    this.gathered.push(message)
  }

  flush(): void {
    if (this.gathered.length === 0) return
    const messages = this.gathered
    this.gathered = []
    this.post(messages)
  }
}
