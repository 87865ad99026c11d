import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';

import type { Receipts } from '../loads/receipts.ts';
import { Gate } from './gate.ts';
import { Listener } from './listener.ts';
import { serveExchange, type Serving } from './serve-exchange.ts';
import { type Target, targetOf } from './target.ts';

interface Options {
  /** Of each address, the number that it goes by. */
  readonly numbers: ReadonlyMap<string, number>;
  readonly port: number;
  /** Null for bytes as they are. */
  readonly tls: SecureContext | null;
  readonly receipts: Receipts;
  readonly wrong: Serving['wrong'];
}

/** A target that takes part in exchanges, at one port of each of its addresses. */
export function tcpTarget({ numbers, port, tls, receipts, wrong }: Options): Target {
  const [mute, reading] = [new Gate(), new Gate()];
  const serve = (socket: Socket, address: string) => {
    const stream: Duplex =
      tls === null
        ? socket
        : new TLSSocket(socket, { isServer: true, secureContext: tls, allowHalfOpen: true } as object);
    serveExchange(stream, {
      number: numbers.get(address) ?? 0,
      mute,
      reading,
      receipts,
      isRaw: tls === null,
      wrong,
    });
  };
  const listener = new Listener({ addresses: [...numbers.keys()], port, serve });
  return targetOf(listener, { mute, reading });
}
