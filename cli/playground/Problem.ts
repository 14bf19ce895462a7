/** Something that the person at the terminal can do something about: its message is printed alone, without a stack. */
export class Problem extends Error {
  override readonly name = "Problem"
}
