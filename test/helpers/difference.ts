/** How much is shown on both sides of it, in characters. */
const AROUND = 200;

/** What is around the first character in which texts differ, which may be too long to be shown whole; null where they are equal. */
export function differenceOf(actual: string, expected: string): object | null {
  if (actual === expected) return null;
  let at = 0;
  while (actual[at] === expected[at]) at++;
  const shown = (text: string) => ({
    length: text.length,
    text: text.slice(Math.max(0, at - AROUND), at + AROUND),
  });
  return { at, actual: shown(actual), expected: shown(expected) };
}
