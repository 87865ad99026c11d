import { expect, test } from 'vitest';

import { Zone } from '../../src/door/zone.ts';

const zone = new Zone({ targets: ['Api.test.', '*.wild.example', '10.0.0.1'] });
const learning = new Zone({ targets: ['*'] });

test.each([
  [zone, 'api.test', 'allowed', true],
  [zone, 'test', 'above', true],
  [zone, '', 'above', true],
  [zone, 'other.test', 'unknown', false],
  [zone, 'x.api.test', 'unknown', false],
  [zone, 'wild.example', 'above', true],
  // As many as there may be: none of them is looked for.
  [zone, 'a.wild.example', 'allowed', false],
  [zone, '*.wild.example', 'unknown', false],
  [zone, '!.a.wild.example', 'unknown', false],
  [zone, '0.0.1', 'unknown', false],
  [learning, '', 'above', true],
  [learning, 'test', 'above', false],
  [learning, 'a.test', 'allowed', false],
  [learning, '!.test', 'unknown', false],
])(
  '%#: a name is allowed, above or unknown, and listed or above what is, or not',
  (its, name, verdict, isThere) => {
    expect([its.judge(name).verdict, its.isThere(name)]).toEqual([verdict, isThere]);
  },
);
