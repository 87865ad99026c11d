import { isIPv4 } from 'node:net';
import { endianness } from 'node:os';

import { v4, v6 } from '@leichtgewicht/ip-codec';

import { readSockets } from '../src/kernel/socket-table.ts';
import type { Protocol } from '../src/lib/protocol.ts';

/** A socket that listens (TCP_LISTEN; TCP_CLOSE for unconnected UDP). */
const LISTENING = { tcp: '0A', udp: '07' } as const;

interface Listening {
  /** null: at any address. */
  readonly bind: readonly string[] | null;
  readonly ports: ReadonlySet<number>;
}

/** Rejects when the kernel knows no listening socket for one of the ports, at each of the addresses. */
export function checkListening(mode: Protocol, { bind, ports }: Listening): void {
  const sockets = readSockets(mode).filter(({ state }) => state === LISTENING[mode]);
  const problems = (bind ?? [null]).flatMap((address) => {
    const wanted = address === null ? null : encode(address);
    const listening = new Set(
      sockets.filter((socket) => wanted === null || socket.address === wanted).map(({ port }) => port),
    );
    const missing = [...ports].filter((port) => !listening.has(port)).join(', ');
    return missing === '' ? [] : [`${missing}${address === null ? '' : ` at ${address}`}`];
  });
  if (problems.length > 0) throw new Error(`nothing listens on ${mode} port ${problems.join(', ')}`);
}

/** An address as the table has it: words of 32 bits in the host's order. */
function encode(address: string): string {
  const bytes = Buffer.from(isIPv4(address) ? v4.encode(address) : v6.encode(address.replace(/%.*/, '')));
  return (endianness() === 'LE' ? bytes.swap32() : bytes).toString('hex').toUpperCase();
}
