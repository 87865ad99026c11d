import type { Duplex } from 'node:stream';

import { Checker } from '../content.ts';
import { decodePlan, encodeGreeting, type Plan, PLAN_SIZE } from '../loads/plan.ts';
import type { Receipts } from '../loads/receipts.ts';
import { send } from '../loads/send.ts';
import type { Gate } from './gate.ts';

/** What a target that takes part in exchanges is given. */
export interface Serving {
  readonly receipts: Receipts;
  /** Its number, which it says first. */
  readonly number: number;
  /** Shut, it reads and sends nothing. */
  readonly mute: Gate;
  /** Shut, it reads nothing. */
  readonly reading: Gate;
  /** Whether the stream is the connection itself: another's ends are not judged, as Node's TLS reads a reset as an end now and then. */
  readonly isRaw: boolean;
  /** Is told of what must never be. */
  readonly wrong: (message: string) => void;
}

/** The target's side of an exchange. What a connection fails of is the client's to judge; a byte that was not sent and an end too early are told. */
export function serveExchange(
  stream: Duplex,
  { number, mute, reading, receipts, isRaw, wrong }: Serving,
): void {
  let head = Buffer.alloc(0);
  let plan: Plan | null = null;
  let checker: Checker | null = null;
  const fail = (message: string) => {
    wrong(message);
    stream.destroy();
  };

  const begin = () => {
    plan = decodePlan(head);
    if (plan === null) return fail(`the request begins with ${head.toString('hex')}`);
    checker = new Checker(plan.up);
    if (plan.order !== 'client') void answer(plan);
  };
  const answer = async ({ down }: Plan) => {
    await mute.passed();
    stream.write(encodeGreeting(number));
    await send(stream, down, { gate: mute });
    stream.end();
  };
  stream.on('error', () => {});
  stream.on('data', (bytes: Buffer) => {
    let rest = bytes;
    if (checker === null) {
      const missing = PLAN_SIZE - head.length;
      head = Buffer.concat([head, bytes.subarray(0, missing)]);
      rest = bytes.subarray(missing);
      if (head.length === PLAN_SIZE) begin();
    }
    const fault = checker?.take(rest) ?? null;
    if (fault !== null) return fail(`the request: ${fault}`);
    if (!mute.isShut && !reading.isShut) return;
    stream.pause();
    void Promise.all([mute.passed(), reading.passed()]).then(() => stream.resume());
  });
  const early = (received: number, length: number) => {
    if (isRaw) fail(`the request ended as if complete after ${received} bytes of ${length}`);
    else stream.destroy();
  };
  stream.on('end', () => {
    if (plan === null || checker === null) return early(head.length, PLAN_SIZE);
    if (!checker.isComplete) return early(checker.received, plan.up.length);
    receipts.arrived(plan.id);
    if (plan.order === 'client') void answer(plan);
  });
  stream.on('close', () => plan !== null && receipts.closed(plan.id));
}
