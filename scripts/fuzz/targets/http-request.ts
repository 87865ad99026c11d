import { equal } from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';

import { compareRequests, gistOfRequests, noCounts } from '../../../test/helpers/http-beside-node.ts';
import { passOn, passOnMost } from '../../../test/helpers/http-passed.ts';
import { waysToCut } from '../ways-to-cut.ts';

const counts = noCounts();

/** What is taken of a client's stream is the same however it comes, to a proxy and to none, and Node reads it the same. */
export async function fuzz(bytes: Buffer): Promise<void> {
  // For Node to let go of the sockets of the runs before.
  if (counts.streams % 100 === 0) await turn();
  for (const asProxy of [false, true]) {
    const passed = passOnMost(bytes, { asProxy });
    for (const pieces of waysToCut(bytes))
      equal(gistOfRequests(passOn(pieces, { asProxy })), gistOfRequests(passed));
    compareRequests({ asProxy }, passed, counts);
  }
}
