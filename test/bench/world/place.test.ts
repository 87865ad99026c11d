import { expect, test } from 'vitest';

import { openLoopback } from '../../../bench/world/loopback.ts';
import { listening } from '../../../bench/world/place.ts';
import { udpSocket } from '../../helpers/sockets.ts';

const { relay } = openLoopback('in a test');

test.for(['127.0.0.1', '0.0.0.0'])('listening() sees who is bound to %s', async (bound) => {
  const { port } = (await udpSocket('udp4', bound)).address();
  await expect(listening(relay, { protocol: 'udp', port })).resolves.toBeUndefined();
});

test('listening() at an address does not take one who is bound to another', async () => {
  const { port } = (await udpSocket('udp4', '127.0.0.1')).address();
  const elsewhere = listening(relay, { protocol: 'udp', address: '127.0.0.2', port, timeout: 20 });
  await expect(elsewhere).rejects.toThrow(`nothing listens on udp port ${port} of 127.0.0.2`);
});
