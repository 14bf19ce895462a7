/**
 * Whether a password is too easy to guess, by NIST SP 800-63B, section 3.1.1.2: long enough, not among those that guessers try
 * first, not made of the account or of this product. No rules of composition: they make passwords worse. Pure.
 */

/** Whose password it is to be. */
export interface Whose {
  readonly email: string
  readonly name: string
}

/** Stems of the passwords that head every list of leaks; what is left of them after digits and signs are taken off is compared. */
const common: ReadonlySet<string> = new Set(
  (
    "password passwort motdepasse contrasena senha wachtwoord haslo parola letmein letmeinnow welcome welcomehome iloveyou " +
    "administrator administrador admin adminadmin root rootroot toor superuser superadmin changeme changemenow changethis " +
    "qwerty qwertyuiop qwertyuiopasdfghjkl qwertzuiop azertyuiop asdfghjkl asdfghjklzxcvbnm zxcvbnm qazwsxedc qazwsxedcrfv " +
    "1qaz2wsx3edc 1q2w3e4r5t6y abcdefghijkl abcdefghijklm monkey dragon football baseball basketball sunshine princess master " +
    "superman batman trustno starwars shadow michael jordan liverpool chelsea arsenal secret topsecret secretsecret login default guest " +
    "test testtest testing testtesttest temp temporary company internet computer whatever nothing freedom hunter correcthorsebatterystaple " +
    "passw0rd passpass passpasspass password1password mypassword thepassword newpassword oldpassword nopassword passwordpassword nxmesh nginx nginxnginx"
  ).split(" ")
)

const signs: Readonly<Record<string, string>> = {
  "0": "o",
  "1": "l",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "@": "a",
  $: "s",
  "!": "i"
}

/** Without what people put around a word to satisfy a rule, in both readings of its digits. */
const stems = (lower: string): ReadonlyArray<string> => {
  const plain = lower.replace(/[^\p{L}\p{N}]/gu, "")
  const bare = lower.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, "")
  const read = Array.from(bare)
    .map((character) => signs[character] ?? character)
    .join("")
    .replace(/[^\p{L}\p{N}]/gu, "")
  return [plain, bare.replace(/[^\p{L}\p{N}]/gu, ""), read]
}

/** One piece of at most four characters, over and over. */
const isRepetition = (lower: string): boolean => /^(.{1,4}?)\1+.{0,3}$/su.test(lower)

/** Each character follows the one before, up or down, as in 123456789012 or zyxwvutsrqpo. */
const isSequence = (lower: string): boolean => {
  const steps = Array.from(lower)
    .slice(1)
    .map((character, index) => {
      const step = (character.codePointAt(0) ?? 0) - (lower.codePointAt(index) ?? 0)
      // 9 goes on with 0.
      return step === -9 ? 1 : step === 9 ? -1 : step
    })
  return steps.length > 0 && (steps.every((step) => step === 1) || steps.every((step) => step === -1))
}

/** What is left when the account's own words are taken away says how much of a secret there is. */
const isOfAccount = (lower: string, { email, name }: Whose): boolean => {
  const words = [email, ...email.split(/[@.+_-]/), name, ...name.split(/\s+/)]
    .map((word) => word.toLowerCase())
    .filter((word) => word.length >= 4)
    .sort((one, other) => other.length - one.length)
  let rest = lower
  for (const word of words) rest = rest.replaceAll(word, "")
  return rest.length < lower.length && rest.replace(/[^\p{L}\p{N}]/gu, "").length < 6
}

/** What is wrong with it, to follow "the password …"; `null`: nothing. `charactersMin` is the installation's. */
export const passwordProblem = (password: string, whose: Whose, charactersMin: number): string | null => {
  const normal = password.normalize("NFKC")
  if (Array.from(normal).length < charactersMin) return `must have at least ${charactersMin} characters`
  const lower = normal.toLowerCase()
  if (isRepetition(lower) || isSequence(lower)) return "must not be a repetition or a sequence"
  if (stems(lower).some((stem) => stem === "" || common.has(stem))) return "is among the first that anybody guesses"
  if (isOfAccount(lower, whose)) return "must not be made of your own email or name"
  return null
}
