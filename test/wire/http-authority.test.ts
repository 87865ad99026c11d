import { expect, test } from 'vitest';

import { nameIn } from '../../src/wire/http-authority.ts';

test.each([
  ['good.test', 'good.test'],
  ['good.test:443', 'good.test:443'],
  ['[2001:db8::1]:443', '[2001:db8::1]:443'],
  ['under score', 'under score'],
  ['alice:word@good.test:443', 'good.test:443'],
  ['alice:wo@rd@good.test', 'good.test'],
  ['good.test/path?key=word', 'good.test'],
  ['good.test?key=word@evil.test', 'good.test'],
  ['alice:word/with@slash', 'alice'],
  ['good.test:port', 'good.test'],
  ['/path?key=word', null],
  ['alice:word@', null],
  ['', null],
])('nameIn() finds in %j the name %j', (text, name) => {
  expect(nameIn(text)).toBe(name);
});
