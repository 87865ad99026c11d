import { expect, test } from 'vitest';

import { type Waiter, WaitingLine } from '../../src/relay/waiting-line.ts';

function joined(line: WaitingLine, source: string): Waiter {
  const waiter = { source, onTurn() {}, previous: null, next: null };
  line.join(waiter);
  return waiter;
}

test('source addresses take turns, and of one address first come is first served', () => {
  const line = new WaitingLine();
  const [a1, a2, a3] = ['a', 'a', 'a'].map((source) => joined(line, source));
  const b1 = joined(line, 'b');
  const served = [line.next(), line.next()];
  const b2 = joined(line, 'b');
  served.push(line.next(), line.next(), line.next(), line.next());
  expect(served).toEqual([a1, b1, a2, b2, a3, null]);
  expect(line.isEmpty).toBe(true);
});

test('who leaves is not served', () => {
  const line = new WaitingLine();
  const [a1, a2, b1] = ['a', 'a', 'b'].map((source) => joined(line, source)) as [Waiter, Waiter, Waiter];
  line.leave(a1);
  line.leave(b1);
  expect([line.next(), line.next(), line.isEmpty]).toEqual([a2, null, true]);
});
