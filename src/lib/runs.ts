/** Items in runs of neighbours that go together. */
export function toRuns<T>(
  items: readonly T[],
  goTogether: (item: T, next: T) => boolean,
): readonly (readonly [T, ...T[]])[] {
  const runs: [T, ...T[]][] = [];
  for (const item of items) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run !== undefined && last !== undefined && goTogether(last, item)) run.push(item);
    else runs.push([item]);
  }
  return runs;
}

/** `443`, or `5000-5999`. */
export function describeRange(first: number, last: number): string {
  return first === last ? String(first) : `${first}-${last}`;
}

/** A system error's message, which ends in an address, without its port: so that those of a range are alike. */
export function withoutPort(message: string, port: number): string {
  return message.replaceAll(new RegExp(`:${port}(?=;|$)`, 'g'), '');
}
