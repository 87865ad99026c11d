import { test } from 'vitest';

import { faultsOf } from './cable.ts';
import { suffer } from './suffer.ts';

test.each(faultsOf({ end: 'cable4', leaf: 'badClient', number: 4 }))("a client's link $name", (fault) =>
  suffer(fault),
);
