import { test } from 'vitest';

import { malformed } from './answers.ts';
import { outliveAnswers } from './nameserver.ts';

test.each(Object.keys(malformed))('a nameserver that %s, once its names are known, harms nobody', (by) =>
  outliveAnswers(by),
);
