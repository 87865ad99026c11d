import { equal } from 'node:assert/strict';

import { compareAnswers, gistOfAnswers } from '../../../test/helpers/http-answers-beside-node.ts';
import { passBack } from '../../../test/helpers/http-answers.ts';
import { waysToCut } from '../ways-to-cut.ts';

/** What was asked: the method decides where an answer ends. */
const ASKED = [['GET', 'GET', 'GET'], ['HEAD', 'POST'], ['CONNECT']];

/** What is read of a target's stream is the same however it comes, and ends where Node finds its end, where Node can read it. */
export async function fuzz(bytes: Buffer): Promise<void> {
  const text = bytes.toString('latin1');
  for (const methods of ASKED) {
    const [whole = [], ...others] = waysToCut(bytes).map((pieces) => passBack(pieces, methods));
    for (const other of others) equal(gistOfAnswers(other), gistOfAnswers(whole));
    await compareAnswers(whole, { methods, text });
  }
}
