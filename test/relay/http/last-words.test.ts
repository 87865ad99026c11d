import { expect, test } from 'vitest';

import { DeadlineError } from '../../../src/lib/deadline.ts';
import { lastWords } from '../../../src/relay/http/last-words.ts';
import { AnswerError, DialError } from '../../../src/relay/target.ts';
import { Refusal } from '../../../src/wire/refusal.ts';
import { localTarget } from '../../helpers/relay.ts';

const target = { ...localTarget(443), host: 'a.test' };

test.each([
  [new Refusal('not in TARGET', 'b.test is not in TARGET'), '403 b.test is not in TARGET'],
  [new Refusal('too many clients', 'too many clients wait'), '503 too many clients wait'],
  [new DialError(target, new Error('no way')), '502 failed to connect to a.test:443: no way'],
  [new AnswerError(target, new Error('it ended')), '502 no answer from a.test:443: it ended'],
  [
    new DialError(target, new DeadlineError(5)),
    expect.stringMatching(/^504 failed to connect to a\.test:443: .*5 ms/),
  ],
  [new Refusal('malformed', 'a\r\nX: 1\t\x1b[1mé'), '400 a?X: 1?[1m?'],
  [new Refusal('malformed', 'long'.repeat(90)), `400 ${'long'.repeat(50)}`],
])('the reason phrase of the answer to %s says why', (cause, expected) => {
  const [line = ''] = lastWords(cause).toString('latin1').split('\r\n');
  expect(line.replace('HTTP/1.1 ', '')).toEqual(expected);
});
