/** Latin letters in lower case, all else as it is: as SQLite's `lower`, and Postgres' in the collation "C". Pure. */
export const asciiLower = (text: string): string =>
  /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text
