import { test } from 'vitest';

import { truths } from './answers.ts';
import { outliveAnswers } from './nameserver.ts';

test.each(Object.keys(truths).filter((by) => by !== 'truth'))(
  'a nameserver that %s, once its names are known, harms nobody',
  (by) => outliveAnswers(by),
);
