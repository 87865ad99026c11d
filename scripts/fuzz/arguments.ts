import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface Asked {
  readonly target: string;
  readonly minutes: number;
  readonly seed: number;
  /** Whether inputs that reach more are to be kept. */
  readonly keep: boolean;
}

/** libFuzzer takes 0 for none. */
const MAX_SEED = 2 ** 31 - 1;

/** Reads `TARGET --minutes N --seed N --keep`. Throws with what is accepted. */
export function readArguments(args: readonly string[], targets: readonly string[]): Asked {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: `${1 + Math.floor(Math.random() * MAX_SEED)}` },
      keep: { type: 'boolean', default: false },
    },
  });
  const [target = '', ...others] = positionals;
  if (!targets.includes(target) || others.length > 0)
    throw new Error(`'${positionals.join(' ')}' is no target: it is one of ${targets.join(', ')}`);
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
  if (!/^\d+(\.\d+)?$/.test(values.minutes) || minutes === 0)
    throw new Error(`--minutes ${values.minutes}: it takes a number above 0`);
  if (!/^\d+$/.test(values.seed) || seed === 0 || seed > MAX_SEED)
    throw new Error(`--seed ${values.seed}: it takes a whole number from 1 to ${MAX_SEED}`);
  return { target, minutes, seed, keep: values.keep };
}
