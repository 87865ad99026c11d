import type { Content } from '../content.ts';
import type { Random } from '../random.ts';

/**
 * Who ends first. `together`: each side sends at once and ends when it is done. `client`: the target sends nothing before the client's end. `target`: the
 * client keeps its last byte until the target's end.
 */
type Order = 'together' | 'client' | 'target';

/** What both sides of one connection send. */
export interface Plan {
  /** By which the two know that they mean the same. */
  readonly id: number;
  readonly up: Content;
  readonly down: Content;
  readonly order: Order;
}

const MAGIC = 0x534f414b;
const ORDERS: readonly Order[] = ['together', 'client', 'target'];

export const PLAN_SIZE = 28;
/** What a target says before all else: who it is. */
export const GREETING_SIZE = 8;

/** A connection's plan: mostly some kB, now and then some MB. */
export function drawPlan(random: Random): Plan {
  const size = () => (random.chance(0.01) ? random.whole(1, 8) * 2 ** 20 : random.size(1, 2 ** 19));
  const content = () => ({ start: random.whole(0, 2 ** 20), length: size() });
  return { id: random.whole(0, 2 ** 32 - 1), up: content(), down: content(), order: random.pick(ORDERS) };
}

/** The plan as the client says it first. */
export function encodePlan({ id, up, down, order }: Plan): Buffer {
  const head = Buffer.alloc(PLAN_SIZE);
  [MAGIC, up.start, up.length, down.start, down.length, ORDERS.indexOf(order), id].forEach((word, index) =>
    head.writeUInt32BE(word, 4 * index),
  );
  return head;
}

/** The plan again; null where the bytes are none. */
export function decodePlan(head: Buffer): Plan | null {
  const word = (index: number) => head.readUInt32BE(4 * index);
  const order = ORDERS[word(5)];
  if (word(0) !== MAGIC || order === undefined) return null;
  return {
    id: word(6),
    up: { start: word(1), length: word(2) },
    down: { start: word(3), length: word(4) },
    order,
  };
}

/** What the target with this number says first. */
export function encodeGreeting(target: number): Buffer {
  const greeting = Buffer.alloc(GREETING_SIZE);
  greeting.writeUInt32BE(MAGIC, 0);
  greeting.writeUInt32BE(target, 4);
  return greeting;
}

/** The target's number again; null where the bytes are no greeting. */
export function decodeGreeting(greeting: Buffer): number | null {
  return greeting.readUInt32BE(0) === MAGIC ? greeting.readUInt32BE(4) : null;
}
