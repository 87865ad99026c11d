import { parseArgs } from 'node:util';

import type { Variant } from './peers/sallyport.ts';

export interface Options {
  readonly rounds: number;
  /** Of each run, in s. */
  readonly seconds: number;
  /** Of peers, in the order in which they take turns; null for all. */
  readonly peers: readonly string[] | null;
  readonly loads: readonly string[] | null;
  /** How many idle connections. */
  readonly idle: number;
  readonly variants: readonly Variant[];
  readonly help: boolean;
}

export const usage = `Measures this relay beside others, one after the other in turn, in one run.

  npm run bench -- [options]

  --rounds N         how often each peer has its turn (5)
  --seconds N        how long a run lasts (4)
  --idle N           how many idle connections (10000)
  --quick            one round of a second, 1000 idle connections: whether it works, not how fast
  --peers a,b        only these (--only is the same)
  --loads x,y        only these
  --variant SPEC     the relay once more, otherwise set up: name:KEY=VALUE,KEY=VALUE with environment variables, and
                     PROGRAM=/path/to/dist/sallyport.js for another build; may be given several times
  --help             this text
`;

/** Reads the command line. Throws at what it does not know. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      idle: { type: 'string' },
      quick: { type: 'boolean', default: false },
      peers: { type: 'string' },
      only: { type: 'string' },
      loads: { type: 'string' },
      variant: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    rounds: wholeNumber('rounds', values.rounds ?? (values.quick ? '1' : '5')),
    seconds: wholeNumber('seconds', values.seconds ?? (values.quick ? '1' : '4')),
    idle: wholeNumber('idle', values.idle ?? (values.quick ? '1000' : '10000')),
    peers: list(values.peers ?? values.only),
    loads: list(values.loads),
    variants: values.variant.map(parseVariant),
    help: values.help,
  };
}

function wholeNumber(name: string, text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new Error(`--${name} takes a whole number from 1 up`);
  return Number(text);
}

function list(text: string | undefined): readonly string[] | null {
  return text?.split(',').filter(Boolean) ?? null;
}

function parseVariant(text: string): Variant {
  const [, name, rest] = /^([\w.-]+):(.*)$/.exec(text) ?? [];
  if (name === undefined || rest === undefined)
    throw new Error(`--variant takes name:KEY=VALUE,KEY=VALUE, not '${text}'`);
  const pairs = rest
    .split(',')
    .filter(Boolean)
    .map((pair) => {
      const [key = '', ...value] = pair.split('=');
      return [key, value.join('=')] as const;
    });
  const { PROGRAM: program = null, ...env } = Object.fromEntries(pairs);
  return { name, env, program };
}
