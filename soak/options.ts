import { parseArgs } from 'node:util';

/** What a run is asked for. */
export interface Options {
  readonly minutes: number;
  /** What the loads and the faults follow from. */
  readonly seed: number;
  readonly help: boolean;
}

export const usage = `Puts mixed load and faults on several built relays at once, and checks every byte.

  npm run soak -- [options]

  --minutes N   how long, from 1 to 10080 (3)
  --seed S      a whole number from 0 to 4294967295: the same seed has the same faults at the same times (drawn)
  --help        this text

Ends with 0 if all was well and with 1 if not; with 2 where an argument is not understood.
`;

const MOST_MINUTES = 10_080;
const MOST_SEED = 2 ** 32 - 1;

/** Reads the command line. Throws at what it does not know, with the argument, its value and what is accepted. */
export function parseOptions(args: readonly string[], draw: () => number): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '3' },
      seed: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { minutes, seed, help } = values;
  return {
    minutes: wholeNumber('minutes', minutes, { low: 1, high: MOST_MINUTES }),
    seed: seed === undefined ? draw() : wholeNumber('seed', seed, { low: 0, high: MOST_SEED }),
    help,
  };
}

function wholeNumber(
  name: string,
  text: string,
  { low, high }: { readonly low: number; readonly high: number },
) {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (number >= low && number <= high) return number;
  throw new Error(`--${name}=${text} is not accepted: it takes a whole number from ${low} to ${high}`);
}
