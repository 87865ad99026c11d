import { test } from 'vitest';

import { faultsOf } from './cable.ts';
import { suffer } from './suffer.ts';

test.each(faultsOf({ end: 'cable2', leaf: 'badTarget', number: 2 }))("a target's link $name", (fault) =>
  suffer(fault),
);
