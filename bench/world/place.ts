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

interface Endpoint {
  readonly protocol: Protocol;
  /** The place's own, unless another is given. */
  readonly address?: string;
  readonly port: number;
}

/**
 * Resolves once somebody listens at a port of an IPv4 address, or of all addresses. The kernel's table tells, so that nobody has to connect; rejects
 * after `timeout` ms.
 */
export async function listening(
  place: Place,
  { timeout = 10_000, ...endpoint }: Endpoint & { readonly timeout?: number },
): Promise<void> {
  const deadline = performance.now() + timeout;
  const { protocol, address = place.address, port } = endpoint;
  while (!isListening(place, { protocol, address, port })) {
    if (performance.now() > deadline)
      throw new Error(`nothing listens on ${protocol} port ${port} of ${address}`);
    await wait(SLICE);
  }
}

function isListening({ pid }: Place, { protocol, address, port }: Required<Endpoint>): boolean {
  const local = new RegExp(
    `^ *\\d+: (?:0+|${asWord(address)}):${hex(port, 4)} \\S+ ${WAITING[protocol]} `,
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

/** An IPv4 address as the kernel's tables have it: a word, in the machine's own order of bytes. */
function asWord(address: string): string {
  const [word = 0] = new Uint32Array(Uint8Array.from(address.split('.'), Number).buffer);
  return hex(word, 8);
}

function hex(number: number, digits: number): string {
  return number.toString(16).toUpperCase().padStart(digits, '0');
}
