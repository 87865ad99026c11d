import { expect, test } from 'vitest';

import { watchLostDatagrams } from '../../src/control/lost-datagrams.ts';
import { testLog } from '../helpers/relay.ts';
import { udpSocket } from '../helpers/sockets.ts';

test('count() has what the relays had no room to send, and what the kernel had none to keep', async () => {
  const socket = await udpSocket();
  const { port } = socket.address();
  const relays = [
    { protocol: 'udp' as const, port, counts: () => ({ lost: 3 }) },
    { protocol: 'udp' as const, port: 9, counts: () => ({ lost: 0 }) },
  ];
  const { count } = watchLostDatagrams(() => relays, testLog());
  expect(count()).toEqual(
    new Map([
      [port, 3],
      [9, 0],
    ]),
  );

  const client = await udpSocket();
  const MORE = 20_000; // than any buffer has room for, while nothing is read
  await new Promise<void>((resolve) => {
    for (let i = 0; i < MORE; i++)
      client.send('x', port, '127.0.0.1', i === MORE - 1 ? () => resolve() : undefined);
  });
  expect(count().get(port)).toBeGreaterThan(3);
});
