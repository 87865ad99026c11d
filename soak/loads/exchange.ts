import type { Duplex } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';

import { Checker } from '../content.ts';
import type { Random } from '../random.ts';
import { decodeGreeting, encodePlan, GREETING_SIZE, type Plan } from './plan.ts';
import type { Receipts } from './receipts.ts';
import { send } from './send.ts';
import { WrongError } from './wrong-error.ts';

/** How a client behaves beside its plan. */
export interface Manner {
  /** It resets the connection after so many bytes of the answer; null: it stays. */
  readonly leavesAfter: number | null;
  /** It stops reading after so many bytes, for a while in ms; null: it reads on. */
  readonly pause: { readonly after: number; readonly ms: number } | null;
}

interface Options {
  readonly manner: Manner;
  readonly receipts: Receipts;
  /** Aborts the connection beneath the stream. */
  readonly reset: () => void;
  /** Whether the stream is the connection itself. Node's TLS reads a reset as an end now and then, without any relay in between. */
  readonly isRaw?: boolean;
}

/** What came of it. */
export interface Exchanged {
  /** The number of the target that answered; null where the client left before it had. */
  readonly target: number | null;
  readonly bytes: number;
  /** When the first byte of the answer was there, by performance.now(). */
  readonly answeredAt: number | null;
  readonly hasLeft: boolean;
}

/** How a client behaves: one in 25 leaves in the middle, and as many do not read for a while. */
export function drawManner(random: Random, { down }: Plan): Manner {
  return {
    leavesAfter: random.chance(0.04) ? random.whole(0, down.length - 1) : null,
    pause: random.chance(0.04)
      ? { after: random.whole(0, down.length - 1), ms: random.whole(50, 1_000) }
      : null,
  };
}

/** Says the plan, sends and receives by it, to both ends. Rejects with a WrongError, or with what the connection failed of. */
export async function exchange(
  stream: Duplex,
  plan: Plan,
  { manner, receipts, reset, isRaw = true }: Options,
): Promise<Exchanged> {
  const { up, order } = plan;
  const checker = new Checker(plan.down);
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => {});
  let greeting = Buffer.alloc(0);
  let target: number | null = null;
  let answeredAt: number | null = null;
  let hasLeft = false;

  const take = (bytes: Buffer) => {
    answeredAt ??= performance.now();
    let rest = bytes;
    if (target === null) {
      greeting = Buffer.concat([greeting, bytes]);
      if (greeting.length < GREETING_SIZE) return;
      target = decodeGreeting(greeting);
      if (target === null) throw new WrongError(`the answer begins with ${greeting.toString('hex')}`);
      rest = greeting.subarray(GREETING_SIZE);
    }
    const fault = checker.take(rest);
    if (fault !== null) throw new WrongError(`the answer: ${fault}`);
    if (manner.leavesAfter !== null && checker.received > manner.leavesAfter && !hasLeft) {
      hasLeft = true;
      reset();
      ended.resolve();
    }
  };
  let isPaused = false;
  const onData = (bytes: Buffer) => {
    if (hasLeft) return;
    try {
      take(bytes);
    } catch (cause) {
      ended.reject(cause);
      return reset();
    }
    if (manner.pause === null || isPaused || checker.received <= manner.pause.after) return;
    isPaused = true;
    stream.pause();
    void wait(manner.pause.ms).then(() => stream.resume());
  };
  stream.on('data', onData);
  stream.on('end', () => {
    if (checker.isComplete && target !== null) return ended.resolve();
    const why = `the answer ended as if complete after ${checker.received} bytes of ${plan.down.length}`;
    ended.reject(isRaw ? new WrongError(why) : new Error(why));
  });
  stream.on('error', (cause) => ended.reject(cause));
  // Whoever has spoken to a proxy before has paused it.
  stream.resume();
  stream.on('close', () => ended.reject(stream.errored ?? new Error('closed before the end')));

  const upload = async () => {
    stream.write(encodePlan(plan));
    const kept = order === 'target' ? 1 : 0;
    await send(stream, up, { to: up.length - kept });
    if (kept > 0) {
      await ended.promise;
      if (hasLeft) return;
      await send(stream, up, { from: up.length - kept });
    }
    if (!hasLeft) stream.end();
  };
  const arrived = receipts.expect(plan.id);
  arrived.catch(() => {});
  try {
    await Promise.all([ended.promise, upload()]);
    if (!hasLeft) await Promise.all([finished(stream), arrived]);
  } finally {
    receipts.forget(plan.id);
  }
  const bytes = checker.received + (hasLeft ? 0 : up.length);
  return { target, bytes, answeredAt, hasLeft };
}

/** Resolves once the last byte has been handed to the kernel, and the socket is closed; rejects with what it failed of. */
async function finished(stream: Duplex): Promise<void> {
  if (!stream.closed) await new Promise((resolve) => void stream.once('close', resolve));
  if (stream.errored !== null) throw stream.errored;
}
