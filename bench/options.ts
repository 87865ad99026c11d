import { parseArgs } from 'node:util';

import type { Variant } from './peers/sallyport.ts';

export interface Options {
  readonly rounds: number;
  /** How long a run lasts, in s. */
  readonly seconds: number;
  /** How many idle connections. */
  readonly idle: number;
  /** Of peers, in the order in which they take turns; null for all. */
  readonly peers: readonly string[] | null;
  /** Null for all. */
  readonly loads: readonly string[] | null;
  readonly variants: readonly Variant[];
  /** What is asked of something that runs beside every app: how long it is watched at rest, in s, and its image. Null where nobody asks. */
  readonly small: { readonly seconds: number; readonly image: string } | null;
  /** Whether all peers and loads take part. */
  readonly isWhole: boolean;
  readonly isLoopback: boolean;
  /** Whether the results go into bench/results.json and docs/performance.md. */
  readonly isWritten: boolean;
  readonly help: boolean;
}

export const usage = `Measures this relay beside others, one after the other in turn, in one run.

  npm run bench -- [options]

  --rounds N         how often each peer has its turn (5)
  --seconds N        how long a run lasts (4)
  --idle N           how many idle connections (10000)
  --quick            one round of a second, 1000 idle connections: whether it works, not how fast
  --peers a,b        only these (--only is the same): kernel, haproxy, nginx, socat, sallyport, dnat,
                     fast-lane; where clients name the server haproxy-http, nginx-http, names-off, names-enforce;
                     where they dial a name's own address one-name, thousand-names; and beside sallyport in dns
                     dnsmasq, unbound
  --loads x,y        only these: up, down, connections, round-trips, ping-pong, datagrams, idle, rest, named-round-trips,
                     named-connections, hello-connections, named-upload, named-download, hello-up, hello-down,
                     addressed-connections, dns, small
  --variant SPEC     the relay once more, otherwise set up: name:KEY=VALUE,KEY=VALUE with environment variables, and
                     PROGRAM=/path/to/dist/sallyport.js for another build; may be given several times. With
                     NAME_CHECK it takes part where clients name the server, and there alone
  --loopback         on loopback, where there could be network namespaces
  --image NAME       the relay's Docker image, where there is one (sallyport)
  --write            write bench/results.json and docs/performance.md; --no-write does not. Left out, a run of
                     everything writes
  --help             this text
`;

/** Not a load that peers take turns at. */
const SMALL = 'small';
const FULL = { rounds: '5', seconds: '4', idle: '10000', rest: 60 };
const QUICK = { rounds: '1', seconds: '1', idle: '1000', rest: 2 };

/** Reads the command line. Throws at what it does not know. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      idle: { type: 'string' },
      quick: { type: 'boolean', default: false },
      peers: { type: 'string' },
      only: { type: 'string' },
      loads: { type: 'string' },
      variant: { type: 'string', multiple: true, default: [] },
      image: { type: 'string', default: 'sallyport' },
      loopback: { type: 'boolean', default: false },
      write: { type: 'boolean' },
      help: { type: 'boolean', default: false },
    },
  });
  const defaults = values.quick ? QUICK : FULL;
  const peers = list(values.peers ?? values.only);
  const loads = list(values.loads);
  const isOurs = peers?.includes('sallyport') ?? true;
  const isWhole = peers === null && loads === null;
  const isSmall = loads?.includes(SMALL) ?? isOurs;
  return {
    rounds: wholeNumber('rounds', values.rounds ?? defaults.rounds),
    seconds: wholeNumber('seconds', values.seconds ?? defaults.seconds),
    idle: wholeNumber('idle', values.idle ?? defaults.idle),
    peers,
    loads: loads?.filter((load) => load !== SMALL) ?? null,
    variants: values.variant.map(parseVariant),
    small: isSmall ? { seconds: defaults.rest, image: values.image } : null,
    isWhole,
    isLoopback: values.loopback,
    isWritten: values.write ?? (isWhole && !values.quick),
    help: values.help,
  };
}

function wholeNumber(name: string, text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new Error(`--${name} takes a whole number from 1 to 99999`);
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
