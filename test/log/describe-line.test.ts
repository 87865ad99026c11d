import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { describeLine } from '../../src/log/describe-line.ts';

const line = (fields: object, msg = 'refused') =>
  describeLine(`${JSON.stringify({ level: 'warn', time: '2026-11-25T19:15:31.042Z', ...fields, msg })}\n`);

test('describeLine() shows time, level, message and fields', () => {
  const fields = {
    client: '[::1]:40312',
    target: 'api.test:443',
    address: null,
    sent: 12,
    ending: 'client aborted',
  };
  expect(line(fields)).toBe(
    '19:15:31.042Z warn  refused client=[::1]:40312 target=api.test:443 address=null sent=12 ending="client aborted"',
  );
});

test('describeLine() shows lists, and what is none of these, as JSON does', () => {
  expect(line({ ports: [80, 443], targets: ['*.a.test', 'a b'], empty: '', more: { a: 1 } })).toBe(
    '19:15:31.042Z warn  refused ports=[80,443] targets=[*.a.test,"a b"] empty="" more={"a":1}',
  );
});

test('describeLine() lets no name speak to the terminal, or forge a line or a field', () => {
  expect(line({ name: 'a\u001b[2J\u009b2J\u202e\nb rule=none' })).toBe(
    String.raw`19:15:31.042Z warn  refused name="a\u001b[2J\u009b2J\u202e\nb rule=none"`,
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      expect(line({ name })).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    }),
  );
});
