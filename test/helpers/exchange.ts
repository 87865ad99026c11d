import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';

import { tcpServer } from './sockets.ts';

/** What one side of an exchange sends, as latin1. The next step begins when the other side has received it. */
export type Step = ClientStep | TargetStep;

interface AnyStep {
  /** What the other side receives of it, if that is not the same. */
  readonly arrives?: string;
  /** Whether a FIN follows. */
  readonly ends?: boolean;
}

export interface ClientStep extends AnyStep {
  readonly client: string;
  /** Whether it arrives on a new connection to the target. */
  readonly isNew?: boolean;
}

interface TargetStep extends AnyStep {
  readonly target: string;
  /** Whether the target's connection is reset then. */
  readonly isReset?: boolean;
}

/** All that both sides received on their connections, with the code of an error behind it. */
export interface Received {
  readonly client: string;
  readonly targets: readonly string[];
}

/** How long the other side may take to receive a step, in ms. */
const PATIENCE = 3_000;

/** What both sides receive when nothing is changed but what the steps say. */
export function expectedOf(steps: readonly Step[]): Received {
  let client = '';
  const targets = [''];
  for (const step of steps) {
    if ('target' in step) client += arrivesOf(step);
    else if (step.isNew === true) targets.push(arrivesOf(step));
    else targets.push(`${targets.pop()}${arrivesOf(step)}`);
    if ('target' in step && step.isReset === true) targets.push(`${targets.pop()}<ECONNRESET>`);
  }
  return { client, targets };
}

function arrivesOf(step: Step): string {
  return step.arrives ?? ('client' in step ? step.client : step.target);
}

/** Starts a target on loopback; `play` plays its part, and that of a client of a relay to it. Ended with the test. */
export async function startTarget() {
  const accepted: End[] = [];
  const { port, server } = await tcpServer((socket) => void accepted.push(new End(socket)));

  /** Plays the steps through the relay on a port until one does not arrive; each is sent in pieces, cut at these parts of its length. */
  async function play(
    relay: number,
    steps: readonly Step[],
    cuts: readonly number[] = [],
  ): Promise<Received> {
    accepted.length = 0;
    const socket = connect({ port: relay, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    const client = new End(socket);
    let target: End | undefined;
    let connections = 0;
    const due = { client: 0, target: 0 };

    const passes = async (step: Step): Promise<boolean> => {
      const { length } = arrivesOf(step);
      if ('target' in step) {
        await target?.send(step.target, { ...step, cuts });
        due.client += length;
        return client.hasReceived(due.client);
      }
      await client.send(step.client, { ...step, cuts });
      if (step.isNew === true || target === undefined) {
        if (accepted.length <= connections) await inTime(once(server, 'connection', soon()));
        target = accepted[connections++];
        due.target = 0;
      }
      due.target += length;
      return target?.hasReceived(due.target) ?? false;
    };
    for (const step of steps) if (!(await passes(step))) break;
    await Promise.all([client, ...accepted].map((end) => end.finish()));
    return { client: client.received, targets: accepted.map(({ received }) => received) };
  }

  return { port, play };
}

/** One end of a connection, and what it has received. */
class End {
  received = '';
  readonly #socket: Socket;
  readonly #closed: Promise<void>;

  constructor(socket: Socket) {
    this.#socket = socket.setNoDelay();
    socket.on('data', (chunk: Buffer) => (this.received += chunk.toString('latin1')));
    this.#closed = new Promise((resolve) => {
      socket.once('error', ({ code }: NodeJS.ErrnoException) => (this.received += `<${code}>`));
      socket.once('close', () => resolve());
    });
  }

  async send(
    text: string,
    { cuts, ends = false }: { readonly cuts: readonly number[]; readonly ends?: boolean },
  ) {
    const bytes = Buffer.from(text, 'latin1');
    const places = cuts.map((part) => Math.floor(part * bytes.length)).toSorted((one, other) => one - other);
    let at = 0;
    for (const place of places) {
      if (place === at) continue;
      this.#socket.write(bytes.subarray(at, place));
      at = place;
      // Long enough for a relay that is not busy to read it by itself.
      await setTimeout(1);
    }
    if (at < bytes.length) this.#socket.write(bytes.subarray(at));
    if (ends) this.#socket.end();
  }

  /** Whether it has received so many bytes, by now or in time. */
  async hasReceived(length: number): Promise<boolean> {
    while (this.received.length < length)
      if (!(await inTime(once(this.#socket, 'data', soon())))) return false;
    return true;
  }

  /** Ends the connection when the other side has, or at once where it began it. */
  async finish(): Promise<void> {
    this.#socket.end();
    await Promise.race([this.#closed, setTimeout(PATIENCE, undefined, { ref: false })]);
    this.#socket.destroy();
  }
}

function soon() {
  return { signal: AbortSignal.timeout(PATIENCE) };
}

/** Whether it is fulfilled. */
async function inTime(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}
