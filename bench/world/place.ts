import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/** Where a program runs: a network namespace, or the machine's own network. */
export interface Place {
  /** The command that runs a program there. */
  readonly wrap: (command: string, args: readonly string[]) => readonly string[];
  /** The address that the others reach it by. */
  readonly address: string;
  /** A process whose network is the place's. */
  readonly pid: number | 'self';
}

type Protocol = 'tcp' | 'udp';

/** The states of proc(5)'s net/tcp and net/udp that a socket has which waits for clients: LISTEN, and unconnected. */
const WAITING = { tcp: '0A', udp: '07' };
const SLICE = 1; // ms

/** Resolves once a port is listened on in a place. The kernel's table tells, so that nobody has to connect; rejects after `timeout` ms. */
export async function listening(
  place: Place,
  { protocol, port, timeout = 10_000 }: { protocol: Protocol; port: number; timeout?: number },
): Promise<void> {
  const deadline = performance.now() + timeout;
  while (!isListening(place, protocol, port)) {
    if (performance.now() > deadline) throw new Error(`nothing listens on ${protocol} port ${port}`);
    await wait(SLICE);
  }
}

function isListening({ pid }: Place, protocol: Protocol, port: number): boolean {
  const local = new RegExp(
    `^ *\\d+: [0-9A-F]+:${port.toString(16).toUpperCase().padStart(4, '0')} \\S+ ${WAITING[protocol]} `,
    'm',
  );
  return [protocol, `${protocol}6`].some((table) => {
    try {
      return local.test(readFileSync(`/proc/${pid}/net/${table}`, 'latin1'));
    } catch {
      return false; // without IPv6 there is no table of it
    }
  });
}
