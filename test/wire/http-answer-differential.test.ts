import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { fuzz } from '../helpers/fuzz.ts';
import { compareAnswers, gistOfAnswers } from '../helpers/http-answers-beside-node.ts';
import { passBack } from '../helpers/http-answers.ts';
import { TARGET_STREAM } from '../helpers/http-corpus/answers.ts';
import { cut, CUTS } from '../helpers/http-corpus/cuts.ts';

const { isLong, ...parameters } = fuzz(10_000);

test(
  'AnswerReader() finds the end of what Node reads where Node finds it, however it comes',
  { timeout: isLong ? 0 : 120_000 },
  async () => {
    let [streams, understood, compared] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(TARGET_STREAM, CUTS, async (stream, cuts) => {
        const bytes = Buffer.from(stream.text, 'latin1');
        const answers = passBack([bytes], stream.methods);
        streams++;
        understood += answers.filter(({ isUnderstood }) => isUnderstood).length;
        expect(gistOfAnswers(passBack(cut(bytes, cuts), stream.methods))).toEqual(gistOfAnswers(answers));
        compared += await compareAnswers(answers, stream);
      }),
      parameters,
    );
    if (isLong) console.log({ streams, understood, compared });
    expect(understood).toBeGreaterThan(streams / 2);
    expect(compared).toBeGreaterThan(streams / 2);
  },
);
