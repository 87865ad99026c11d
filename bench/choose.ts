import { isInstalled } from './installed.ts';
import { bulk } from './loads/bulk.ts';
import { newConnections, roundTrips } from './loads/http.ts';
import type { Load } from './loads/load.ts';
import type { Options } from './options.ts';
import { haproxy } from './peers/haproxy.ts';
import { kernel } from './peers/kernel.ts';
import { nginx } from './peers/nginx.ts';
import type { Peer } from './peers/peer.ts';
import { sallyport } from './peers/sallyport.ts';
import { socat } from './peers/socat.ts';

/** What is to be measured and can be; tells what is left out and why. Throws at a name that there is none of. */
export function loadsAndPeers(
  options: Pick<Options, 'peers' | 'loads' | 'variants'>,
  say: (line: string) => void,
): { readonly loads: readonly Load[]; readonly peers: readonly Peer[] } {
  const variants = options.variants.map(sallyport);
  const all = [
    kernel(),
    haproxy(),
    nginx(),
    socat(),
    sallyport({ name: 'sallyport', env: {}, program: null }),
  ];
  const peers = [...pick('peer', all, options.peers), ...variants].filter(({ name, version, packages }) => {
    if (version === null)
      say(`${name} is left out: apt-get install --no-install-recommends ${packages.join(' ')}`);
    return version !== null;
  });
  const loads = pick(
    'load',
    [bulk('upload'), bulk('download'), newConnections(), roundTrips()],
    options.loads,
  ).filter(({ name, needs }) => {
    const missing = Object.entries(needs).filter(([program]) => !isInstalled(program));
    for (const [program, name_] of missing)
      say(`load ${name} is left out: there is no ${program}: apt-get install ${name_}`);
    return missing.length === 0;
  });
  return { loads, peers };
}

function pick<T extends { readonly name: string }>(
  kind: string,
  all: readonly T[],
  names: readonly string[] | null,
): readonly T[] {
  if (names === null) return all;
  return names.map((wanted) => {
    const found = all.find(({ name }) => name === wanted);
    if (!found)
      throw new Error(`there is no ${kind} '${wanted}'; there is ${all.map(({ name }) => name).join(', ')}`);
    return found;
  });
}
