import { test } from 'vitest';

import { lies } from './answers.ts';
import { outliveAnswers } from './nameserver.ts';

test.each(Object.keys(lies))('a nameserver that %s, once its names are known, harms nobody', (by) =>
  outliveAnswers(by),
);
