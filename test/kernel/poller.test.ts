import { expect, onTestFinished, test, vi } from 'vitest';

import type { BareSocket } from '../../src/kernel/bare-socket.ts';
import { bareServer } from '../helpers/bare-server.ts';

/** A server's sockets for its first two clients, and these; and who dials another. */
async function twoPairs(onClient: () => void = () => {}) {
  const { accepted, dial } = await bareServer(onClient);
  const clients = [await dial(), await dial()] as const;
  await expect.poll(() => accepted.length).toBe(2);
  for (const socket of accepted) socket.watch();
  return { sockets: accepted as [BareSocket, BareSocket], clients, dial };
}

test('ends are told before bytes, and both before new clients', async () => {
  const told: string[] = [];
  const { sockets, clients, dial } = await twoPairs(() => told.push('client'));
  const [speaking, leaving] = clients;
  sockets[0].listener = { onEvents: () => told.push('bytes') };
  sockets[1].listener = { onEvents: () => told.push('end') };
  told.length = 0;
  // All of it happens before this thread looks again, in the other order.
  const coming = dial();
  speaking.write(Buffer.from('x'));
  leaving.end();
  await coming;
  await expect.poll(() => told).toEqual(['end', 'bytes', 'client']);
});

test.each([
  ['an event has promises run before the next events', false, 0, ['event', 'promise', 'next event']],
  ['bytes that are only moved do not', true, 1, ['event', 'next event', 'promise']],
  ['bytes that are only moved do when that has taken 2 ms', true, 2, ['event', 'promise', 'next event']],
])('%s', async (_rule, onlyMovesBytes, takes, order) => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const told: string[] = [];
  const {
    sockets: [first, second],
    clients,
  } = await twoPairs();
  first.listener = {
    onlyMovesBytes,
    onEvents() {
      told.push('event');
      void Promise.resolve().then(() => told.push('promise'));
      vi.advanceTimersByTime(takes);
      clients[1].write(Buffer.from('x'));
      while (!second.hasUnread()); // so that the next look at the kernel finds it
    },
  };
  second.listener = { onlyMovesBytes, onEvents: () => told.push('next event') };
  clients[0].write(Buffer.from('x'));
  await expect.poll(() => told).toEqual(order);
});
