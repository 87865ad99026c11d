import type { Socket } from 'node:net';

import { describe, expect, test } from 'vitest';

import { pieceOf } from '../../../soak/content.ts';
import { exchange } from '../../../soak/loads/exchange.ts';
import { encodeGreeting, encodePlan, type Plan } from '../../../soak/loads/plan.ts';
import { Receipts } from '../../../soak/loads/receipts.ts';
import { WrongError } from '../../../soak/loads/wrong-error.ts';
import { Gate } from '../../../soak/targets/gate.ts';
import { serveExchange } from '../../../soak/targets/serve-exchange.ts';
import { endOf, tcpClient, tcpServer } from '../../helpers/sockets.ts';

const PLAN: Plan = {
  id: 11,
  up: { start: 7, length: 300_000 },
  down: { start: 99, length: 1_000 },
  order: 'together',
};
const NUMBER = 3;
const receipts = new Receipts();
const STAYS = { leavesAfter: null, pause: null };
const ORDERS = ['together', 'client', 'target'] as const;

/** A client's side of the plan, with whoever `serve` is. */
async function ask(serve: (socket: Socket) => void, plan = PLAN) {
  const { port } = await tcpServer(serve);
  const socket = await tcpClient(port);
  return exchange(socket, plan, { manner: STAYS, receipts, reset: () => socket.resetAndDestroy() });
}

/** A target's side of it, and what it tells of what must never be. */
async function target() {
  const told: string[] = [];
  const gates = { mute: new Gate(), reading: new Gate() };
  const serving = {
    number: NUMBER,
    receipts,
    ...gates,
    isRaw: true,
    wrong: (message: string) => told.push(message),
  };
  const served = Promise.withResolvers<void>();
  const { port } = await tcpServer((socket) => {
    serveExchange(socket, serving);
    socket.once('close', served.resolve);
  });
  return { port, told, gates, served: served.promise };
}

describe('exchange()', () => {
  test.each(ORDERS)('comes to its end with serveExchange(), whoever ends first (%s)', async (order) => {
    const { port, told, served } = await target();
    const socket = await tcpClient(port);
    const plan = { ...PLAN, order };
    const pause = { after: 10, ms: 1 };
    const reset = () => socket.resetAndDestroy();
    const done = await exchange(socket, plan, { manner: { leavesAfter: null, pause }, receipts, reset });
    expect(done).toMatchObject({ target: NUMBER, bytes: 301_000, hasLeft: false });
    await served;
    expect(told).toEqual([]);
  });

  test('is wrong where the answer ends as if complete, and fails where it is reset', async () => {
    const cut = Buffer.concat([encodeGreeting(NUMBER), pieceOf(PLAN.down, 0, 999)]);
    await expect(ask((socket) => socket.resume().end(cut))).rejects.toThrow(
      new WrongError('the answer ended as if complete after 999 bytes of 1000'),
    );
    const reset = ask((socket) => {
      socket.resume().write(cut);
      setImmediate(() => socket.resetAndDestroy());
    });
    await expect(reset).rejects.not.toThrow(WrongError);
  });

  test.each([
    ['a byte is another', (bytes: Buffer) => bytes.fill((bytes[500] ?? 0) ^ 1, 500, 501), 'byte 492 of 1000'],
    ['a byte is too many', (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(0)]), '1 bytes more than'],
    ['there is no greeting', (bytes: Buffer) => bytes.subarray(8), 'the answer begins with'],
  ])('is wrong where %s', async (_, change, message) => {
    const answer = change(Buffer.concat([encodeGreeting(NUMBER), pieceOf(PLAN.down, 0)]));
    const asked = ask((socket) => socket.resume().end(answer));
    await expect(asked).rejects.toThrow(WrongError);
    await expect(asked).rejects.toThrow(message);
  });

  test('fails where the target has not got all that came behind its own end', async () => {
    const plan = { ...PLAN, order: 'target' as const };
    const asked = ask((socket) => {
      socket.resume().end(Buffer.concat([encodeGreeting(NUMBER), pieceOf(PLAN.down, 0)]));
      socket.once('close', () => receipts.closed(plan.id));
    }, plan);
    await expect(asked).rejects.toThrow('the target has not got all of the request');
  });

  test('leaves with a reset where it is told to', async () => {
    const { port, told, served } = await target();
    const socket = await tcpClient(port);
    const manner = { leavesAfter: 500, pause: null };
    const plan = { ...PLAN, down: { start: 0, length: 5_000_000 } };
    const done = await exchange(socket, plan, { manner, receipts, reset: () => socket.resetAndDestroy() });
    expect(done.hasLeft).toBe(true);
    await served;
    expect(told).toEqual([]);
  });
});

describe('serveExchange()', () => {
  test.each([
    ['without a word', Buffer.alloc(0), 'the request ended as if complete after 0 bytes of 28'],
    [
      'within its content',
      Buffer.concat([encodePlan(PLAN), pieceOf(PLAN.up, 0, 50)]),
      'the request ended as if complete after 50 bytes of 300000',
    ],
    ['that says nothing known', Buffer.alloc(28, 'x'), 'the request begins with 7878'],
    ['with another byte', Buffer.concat([encodePlan(PLAN), Buffer.of(0)]), 'the request: byte 0 of 300000'],
  ])('tells of a request %s', async (_, bytes, message) => {
    const { port, told } = await target();
    const socket = await tcpClient(port);
    socket.end(bytes);
    await endOf(socket);
    expect(told).toEqual([expect.stringContaining(message)]);
  });

  test('reads and says nothing while it is mute', async () => {
    const { port, gates } = await target();
    gates.mute.shut();
    const socket = await tcpClient(port);
    const asked = exchange(socket, PLAN, { manner: STAYS, receipts, reset: () => socket.resetAndDestroy() });
    setImmediate(() => gates.mute.open());
    expect((await asked).target).toBe(NUMBER);
  });
});
