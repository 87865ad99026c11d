import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';

import type { Journal } from '../judge/journal.ts';
import type { Random } from '../random.ts';
import type { CheckTarget } from '../targets/names.ts';
import { attempt, type Endpoint, type Load, withSocket } from './attempt.ts';
import { drawManner, exchange, type Exchanged } from './exchange.ts';
import { drawPlan } from './plan.ts';
import type { Receipts } from './receipts.ts';

/** An exchange with whoever is behind an endpoint. */
export interface Way {
  readonly endpoint: Endpoint;
  readonly check: CheckTarget;
  /** What has to be said before anything else, as to a proxy. */
  readonly open?: (socket: Socket) => Promise<void>;
  /** The name in the hello, where TLS is spoken. */
  readonly tlsName?: string;
}

interface Trust {
  readonly receipts: Receipts;
  /** The authority of TLS certificates, in PEM. */
  readonly ca?: string;
}

/** Exchanges over TCP, as it is or with TLS in it, through a way drawn anew each time. */
export function tcpLoad(
  { name, door, clients, ...trust }: Omit<Load, 'run'> & Trust,
  ways: (random: Random) => Way,
): Load {
  const run = async (random: Random, journal: Journal) => {
    const way = ways(random);
    await attempt(journal, { load: name, door }, () => exchangeOnce(random, way, trust));
  };
  return { name, door, clients, run };
}

async function exchangeOnce(
  random: Random,
  { endpoint, check, open, tlsName }: Way,
  { receipts, ca = '' }: Trust,
): Promise<Exchanged> {
  const plan = drawPlan(random);
  const manner = drawManner(random, plan);
  return withSocket(endpoint, async (socket) => {
    await open?.(socket);
    const stream = tlsName === undefined ? socket : speakTls(socket, { name: tlsName, ca });
    const exchanged = await exchange(stream, plan, {
      manner,
      receipts,
      reset: () => socket.resetAndDestroy(),
      isRaw: tlsName === undefined,
    });
    if (exchanged.target !== null) check(exchanged.target);
    return exchanged;
  });
}

function speakTls(socket: Socket, { name, ca }: { readonly name: string; readonly ca: string }): Duplex {
  const checkServerIdentity = () => undefined; // one certificate serves all names: targets say who they are
  const options = { socket, servername: name, ca, checkServerIdentity, allowHalfOpen: true };
  return connectTls(options);
}
