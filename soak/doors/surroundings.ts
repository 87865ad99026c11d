import type { SecureContext } from 'node:tls';

import type { Receipts } from '../loads/receipts.ts';
import { freePort } from '../ports.ts';
import { httpTarget } from '../targets/http.ts';
import type { Names } from '../targets/names.ts';
import type { Nameserver } from '../targets/nameserver.ts';
import type { Target } from '../targets/target.ts';
import { tcpTarget } from '../targets/tcp.ts';
import { udpTarget } from '../targets/udp.ts';

/** What all places share. */
export interface Surroundings {
  /** Where files may be put. */
  readonly directory: string;
  readonly nameserver: Nameserver;
  /** Of a door whose names that nameserver knows. */
  readonly resolving: Readonly<Record<string, string>>;
  readonly names: Names;
  readonly receipts: Receipts;
  readonly certificate: SecureContext;
  /** The certificate's authority, in PEM. */
  readonly ca: string;
  /** Is told of what must never be. */
  readonly wrong: (message: string) => void;
}

/** A target, and the port that it is at. */
export interface Placed {
  readonly target: Target;
  readonly port: number;
}

/** Names move between these. */
export const ADDRESSES = ['127.83.61.1', '127.83.61.2'];
const HERE = '127.0.0.1';

/** A target of exchanges at 127.0.0.1, or of a name at all addresses that it may move to. */
export async function openStreams(
  name: string,
  { names, nameserver, receipts, certificate, wrong }: Surroundings,
  { isNamed = false, isTls = false } = {},
): Promise<Placed> {
  const port = await freePort();
  const numbers = names.add(name, isNamed ? ADDRESSES : [HERE]);
  if (isNamed) nameserver.set(name, ADDRESSES[0] ?? HERE);
  const tls = isTls ? certificate : null;
  return {
    port,
    target: tcpTarget({ numbers, port, tls, receipts, wrong: (why) => wrong(`${name}: ${why}`) }),
  };
}

/** A web server of a name. */
export async function openSite(name: string, { names, nameserver, wrong }: Surroundings): Promise<Placed> {
  const port = await freePort();
  const numbers = names.add(name, ADDRESSES);
  nameserver.set(name, ADDRESSES[0] ?? HERE);
  return { port, target: httpTarget({ numbers, port, wrong: (why) => wrong(`${name}: ${why}`) }) };
}

/** What answers datagrams, at 127.0.0.1, and its number. */
export async function openDatagrams(
  name: string,
  { names, wrong }: Surroundings,
): Promise<Placed & { readonly number: number }> {
  const port = await freePort();
  const number = names.add(name, [HERE]).get(HERE) ?? 0;
  const target = udpTarget({ address: HERE, port, number, wrong: (why) => wrong(`${name}: ${why}`) });
  return { port, number, target };
}
