/** How long a client may take to say whom it wants, in ms. */
export const NAME_TIMEOUT = 5_000;

/** The time by which a client must have named somebody, on performance.now()'s clock. */
export function nameDeadline(): number {
  return performance.now() + NAME_TIMEOUT;
}

/** How long it is until then, in ms. */
export function timeUntil(deadline: number): number {
  return Math.max(0, deadline - performance.now());
}
