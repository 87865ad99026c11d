import { expect, test } from 'vitest';

import { isNamed } from '../../../bench/peers/peer.ts';
import { sallyport } from '../../../bench/peers/sallyport.ts';

test('sallyport() with NAME_CHECK takes part where clients name the server, and there alone', () => {
  const options = { node: 'node' };
  expect(isNamed(sallyport({ name: 'any', env: { NAME_CHECK: 'warn' } }, options))).toBe(true);
  expect(isNamed(sallyport({ name: 'any', env: { WORKERS: '2' } }, options))).toBe(false);
});

test('sallyport() with names takes part where clients dial their addresses, with so many in TARGET', () => {
  const { protocols, start } = sallyport({ name: 'any', names: 3 }, { node: 'node' });
  expect(protocols).toEqual(['address']);
  const name = { name: 'target.test', nameserver: '127.0.0.1:53' };
  const at = { transport: 'tcp', address: '127.0.0.1', listen: 1, host: '127.0.0.1', port: 2 } as const;
  const route = { ...at, connections: 1, range: '192.0.2.0/24', name };
  expect(start?.(route, '/tmp').env).toMatchObject({
    TARGET: 'target.test n1.target.test n2.target.test',
    NAME_ADDRESSES: '192.0.2.0/24',
    DNS: '1',
  });
});
