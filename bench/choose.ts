import { isInstalled } from './installed.ts';
import { addressedConnections } from './loads/addressed.ts';
import { bulk } from './loads/bulk.ts';
import { datagrams } from './loads/datagrams.ts';
import { dns } from './loads/dns.ts';
import { helloBulk, helloConnections } from './loads/hello.ts';
import { newConnections, roundTrips } from './loads/http.ts';
import { idle } from './loads/idle.ts';
import type { Load } from './loads/load.ts';
import { namedConnections, namedDownload, namedRoundTrips, namedUpload } from './loads/named-http.ts';
import { pingPong } from './loads/ping-pong.ts';
import { rest } from './loads/rest.ts';
import type { Options } from './options.ts';
import { dnat } from './peers/dnat.ts';
import { dnsmasq } from './peers/dnsmasq.ts';
import { haproxy } from './peers/haproxy.ts';
import { kernel } from './peers/kernel.ts';
import { nginx } from './peers/nginx.ts';
import type { Peer } from './peers/peer.ts';
import { sallyport } from './peers/sallyport.ts';
import { socat } from './peers/socat.ts';
import { unbound } from './peers/unbound.ts';

type Say = (line: string) => void;

/** The peers to measure. Tells who is left out and why; throws at a name that there is none of. */
export function choosePeers(
  { peers, variants }: Pick<Options, 'peers' | 'variants'>,
  { node, say }: { readonly node: string; readonly say: Say },
): readonly Peer[] {
  const all = [
    kernel(),
    haproxy('tcp'),
    nginx('stream'),
    socat(),
    sallyport({ name: 'sallyport' }, { node }),
    dnat(),
    sallyport({ name: 'fast-lane', env: { FAST_LANE: '1' } }, { node }),
    dnsmasq(),
    unbound(),
    haproxy('http'),
    nginx('http'),
    sallyport({ name: 'names-off', env: { NAME_CHECK: 'off' } }, { node }),
    sallyport({ name: 'names-enforce', env: { NAME_CHECK: 'enforce' } }, { node }),
    sallyport({ name: 'one-name', names: 1 }, { node }),
    sallyport({ name: 'thousand-names', names: 1000 }, { node }),
  ];
  return [...pick('peer', all, peers), ...variants.map((variant) => sallyport(variant, { node }))].filter(
    ({ name, version, packages }) => {
      if (version === null) say(`${name} is left out: it needs the packages ${packages.join(' ')}`);
      return version !== null;
    },
  );
}

/** The loads to put on them, likewise. */
export function chooseLoads(
  { loads, idle: count }: Pick<Options, 'loads' | 'idle'>,
  say: Say,
): readonly Load[] {
  const all = [
    // First: connections that have just ended make the table slow to read that tells when a peer listens.
    rest(),
    bulk('upload'),
    bulk('download'),
    newConnections(),
    roundTrips(),
    pingPong(),
    datagrams(),
    idle(count),
    namedRoundTrips(),
    namedConnections(),
    helloConnections(),
    namedUpload(),
    namedDownload(),
    helloBulk('upload'),
    helloBulk('download'),
    addressedConnections(),
    dns(),
  ];
  return pick('load', all, loads).filter(({ name, needs }) => {
    const missing = Object.entries(needs).filter(([program]) => !isInstalled(program));
    if (missing.length > 0)
      say(`load ${name} is left out: it needs the packages ${missing.map(([, each]) => each).join(' ')}`);
    return missing.length === 0;
  });
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
