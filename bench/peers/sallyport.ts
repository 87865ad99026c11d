import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Peer, Route } from './peer.ts';

const ROOT = join(import.meta.dirname, '../..');
/** MAX_CONNECTIONS as a user would leave it, as long as that is enough. */
const DEFAULT_CONNECTIONS = 100;

type Environment = Readonly<Record<string, string>>;

export interface Variant {
  readonly name: string;
  /** Beside, or instead of, what a route needs. With NAME_CHECK, it takes part where clients name the server, and there alone. */
  readonly env?: Environment;
  /** How many names have an address of their own. With it, it takes part where clients dial that, and there alone. */
  readonly names?: number;
  /** Another build's dist/sallyport.js. */
  readonly program?: string | null;
}

interface Options {
  /** The Node that runs it. */
  readonly node: string;
}

/** This relay, as the build left it. */
export function sallyport({ name, env = {}, names = 0, program = null }: Variant, { node }: Options): Peer {
  const extra = [
    ...(names > 0 ? [`with NAME_ADDRESSES of ${names}`] : []),
    ...Object.entries(env).map(([key, value]) => `${key}=${value}`),
  ];
  return {
    name,
    description: ['sallyport', ...(program === null ? [] : [`of ${program}`]), ...extra].join(' '),
    version: `${versionOfPackage()} on Node ${process.versions.node}`,
    packages: [],
    protocols: names > 0 ? ['address'] : protocolsOf(env),
    hasOwnNetwork: names > 0 || 'FAST_LANE' in env,
    start: (route, directory) => ({
      // As the program's first line has it.
      command: [node, '--disable-sigusr1', program ?? join(ROOT, 'dist/sallyport.js')],
      env: {
        ...(route.zone ? asNameserver(route.address, route.zone) : asRelay(route)),
        ...(names > 0 ? withAddresses(route, names) : {}),
        SALLYPORT_RUN_DIR: directory,
        ...env,
      },
    }),
  };
}

function protocolsOf(env: Environment): Peer['protocols'] {
  if ('NAME_CHECK' in env) return ['http', 'tls'];
  return 'FAST_LANE' in env ? ['tcp', 'udp'] : ['tcp', 'udp', 'dns'];
}

function asRelay({ transport, listen, host, port, connections, name: known }: Route): Environment {
  return {
    TARGET: known?.name ?? host,
    ...(known && { PRE_RESOLVE: '1', NAMESERVERS: known.nameserver, TARGET_SCOPE: 'any' }),
    PORT: `${listen}:${port}`,
    MODE: transport,
    ...(connections > DEFAULT_CONNECTIONS ? { MAX_CONNECTIONS: `${2 * connections}` } : {}),
  };
}

/** Whom clients ask for is the first of them. */
function withAddresses({ name, range = '' }: Route, names: number): Environment {
  const all = Array.from({ length: names }, (_, i) => (i === 0 ? '' : `n${i}.`) + (name?.name ?? ''));
  return { TARGET: all.join(' '), DNS: '1', NAME_ADDRESSES: range };
}

/** On its own address, where the ports that it relays are free as well. */
function asNameserver(address: string, zone: readonly string[]): Environment {
  return { TARGET: zone.join(' '), BIND: address, DNS: '1' };
}

function versionOfPackage(): string {
  return (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;
}
