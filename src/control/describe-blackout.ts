import type { BlackoutStatus } from './protocol.ts';

/** One line for people. */
export function describeBlackout({ state, by, since, until }: BlackoutStatus): string {
  return `blackout ${state} since ${since} (${by})${until === null ? '' : `, until ${until}`}`;
}
