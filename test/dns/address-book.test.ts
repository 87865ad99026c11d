import { expect, test } from 'vitest';

import { openAddressBook } from '../../src/dns/address-book.ts';
import { testLog } from '../helpers/relay.ts';

const { signal } = new AbortController();
const one = { address: '192.0.2.1', family: 4 };
const two = { address: '192.0.2.2', family: 4 };

test('addresses() puts another address in front at each call', async () => {
  const book = openAddressBook('api.test', { resolve: async () => [one, two], log: testLog(), signal });
  const fronts = [await book.addresses(signal), await book.addresses(signal)].map(([front]) => front);
  expect(new Set(fronts)).toEqual(new Set([one, two]));
  expect(await book.addresses(signal)).toHaveLength(2);
});

test('addresses() waits for the first answer, and a failure before it is said once', async () => {
  const log = testLog();
  let asked = 0;
  const resolve = async () => {
    asked++;
    if (asked < 3) throw new Error('DNS is down');
    return [one];
  };
  const book = openAddressBook('api.test', { resolve, log, signal });
  expect(await book.addresses(signal)).toEqual([one]);
  expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  expect(asked).toBe(3);
});

test('addresses() gives up waiting when its signal aborts', async () => {
  const book = openAddressBook('api.test', { resolve: () => new Promise(() => {}), log: testLog(), signal });
  await expect(book.addresses(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
});
