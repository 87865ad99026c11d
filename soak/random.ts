/** Numbers that look drawn and are the same for the same seed. Each of these has a state of its own, so who draws more often takes nothing from others. */
export interface Random {
  /** From 0 up to 1, without it. */
  readonly next: () => number;
  /** A whole number, both bounds included. */
  readonly whole: (low: number, high: number) => number;
  /** As `whole`, with each order of magnitude as likely as the next. */
  readonly size: (low: number, high: number) => number;
  readonly chance: (probability: number) => boolean;
  /** Throws where there is nothing to pick from. */
  readonly pick: <T>(list: readonly T[]) => T;
}

/** The numbers of a seed for one purpose, which the label names. */
export function randomOf(seed: number, label: string): Random {
  let state = seed >>> 0;
  for (const character of label) state = Math.imul(state ^ character.charCodeAt(0), 0x01000193) >>> 0;
  const next = () => {
    // Mulberry32: 32 bits of state, enough for a schedule.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    whole,
    size: (low, high) => Math.floor(low * (high / low) ** next()),
    chance: (probability) => next() < probability,
    pick: (list) => {
      if (list.length === 0) throw new Error('there is nothing to pick from');
      return list[whole(0, list.length - 1)] as (typeof list)[number];
    },
  };
}
