import { test } from 'vitest';

import { failures } from './answers.ts';
import { outlive, outliveAnswers } from './nameserver.ts';
import type { World } from './world.ts';

test.each(Object.keys(failures))('a nameserver that %s, once its names are known, harms nobody', (by) =>
  outliveAnswers(by),
);

test.each([
  [
    'is killed',
    ({ nameserver }: World) => nameserver.kill(),
    ({ nameserver }: World) => nameserver.restart(),
  ],
  [
    'is out of reach',
    ({ run }: World) => run('door', 'ip', 'link', 'set', 'cable5', 'down'),
    ({ run }: World) => run('door', 'ip', 'link', 'set', 'cable5', 'up'),
  ],
] as const)('a nameserver that %s, once its names are known, harms nobody', (_, inflict, mend) =>
  outlive(inflict, mend),
);
