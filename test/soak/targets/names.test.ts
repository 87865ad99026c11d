import { expect, onTestFinished, test, vi } from 'vitest';

import { WrongError } from '../../../soak/loads/wrong-error.ts';
import { Names, StaleError } from '../../../soak/targets/names.ts';
import { Nameserver } from '../../../soak/targets/nameserver.ts';

test('a name is its own targets alone, at the address that it has or had just now', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const nameserver = new Nameserver();
  onTestFinished(() => nameserver.close());
  const names = new Names(nameserver);
  const one = names.add('one.test', ['127.0.0.2', '127.0.0.3']);
  const two = names.add('two.test', ['127.0.0.2']);
  const check = names.checkFor('one.test');
  nameserver.set('one.test', '127.0.0.2');
  check(one.get('127.0.0.2') ?? -1);
  expect(() => check(two.get('127.0.0.2') ?? -1)).toThrow(WrongError);
  expect(() => check(99)).toThrow('asked for one.test, and 99 answered');

  vi.advanceTimersByTime(1_000);
  nameserver.set('one.test', '127.0.0.3');
  vi.advanceTimersByTime(20_000);
  check(one.get('127.0.0.2') ?? -1);
  check(one.get('127.0.0.3') ?? -1);
  vi.advanceTimersByTime(10_000);
  expect(() => check(one.get('127.0.0.2') ?? -1)).toThrow(StaleError);
  check(one.get('127.0.0.3') ?? -1);
});
