/** How many are listed. */
const SHOWN = 8;

/**
 * What is different among texts, in one: of more than eight, the rest are counted. `a; b; and 24 more`. The same texts give the same one in whatever
 * order they come, so that a log folds what repeats.
 */
export function listSome(texts: readonly string[], separator: string): string {
  const distinct = [...new Set(texts)].toSorted();
  if (distinct.length <= SHOWN) return distinct.join(separator);
  return [...distinct.slice(0, SHOWN), `and ${distinct.length - SHOWN} more`].join(separator);
}
