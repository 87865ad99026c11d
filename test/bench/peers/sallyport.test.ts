import { expect, test } from 'vitest';

import { isNamed } from '../../../bench/peers/peer.ts';
import { sallyport } from '../../../bench/peers/sallyport.ts';

test('sallyport() with NAME_CHECK takes part where clients name the server, and there alone', () => {
  const options = { node: 'node' };
  expect(isNamed(sallyport({ name: 'any', env: { NAME_CHECK: 'warn' } }, options))).toBe(true);
  expect(isNamed(sallyport({ name: 'any', env: { WORKERS: '2' } }, options))).toBe(false);
});
