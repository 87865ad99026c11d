import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { fuzz } from '../helpers/fuzz.ts';
import { type PassedAnswer, passBack } from '../helpers/http-answers.ts';
import { TARGET_STREAM, type TargetStream } from '../helpers/http-corpus/answers.ts';
import { cut, CUTS } from '../helpers/http-corpus/cuts.ts';
import { nodeAnswer } from '../helpers/node-answers.ts';

const PARSERS = Object.entries({ strict: false, lax: true });

/** What must be the same however a stream is cut. What cannot be read begins where a cut may be, and lasts to the end. */
function gist(answers: readonly PassedAnswer[]): string {
  const understood = answers.filter(({ isUnderstood }) => isUnderstood);
  return JSON.stringify({ understood, areAll: understood.length === answers.length });
}

/** Where both know how an answer ends, the reader and Node must say the same; how many times they do. */
async function compare(answers: readonly PassedAnswer[], { methods, text }: TargetStream): Promise<number> {
  let after = 0;
  let compared = 0;
  for (const [i, { status, start, end, isUnderstood }] of answers.entries()) {
    const method = methods[i] ?? '';
    // Node takes any head for the whole answer to CONNECT, an interim one too.
    if (!isUnderstood || method === 'CONNECT') break;
    for (const [parser, isLax] of PARSERS) {
      // The lax one takes fields of interim answers for the final one's.
      const from = isLax ? start : after;
      const bytes = Buffer.from(text.slice(from), 'latin1');
      const read = await nodeAnswer(bytes, { method, isLax });
      if (read === null) continue;
      compared++;
      expect({ parser, status, end }).toEqual({ parser, status: read.status, end: from + read.end });
    }
    after = end;
    if (!(end <= text.length)) break;
  }
  return compared;
}

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
        expect(gist(passBack(cut(bytes, cuts), stream.methods))).toEqual(gist(answers));
        compared += await compare(answers, stream);
      }),
      parameters,
    );
    if (isLong) console.log({ streams, understood, compared });
    expect(understood).toBeGreaterThan(streams / 2);
    expect(compared).toBeGreaterThan(streams / 2);
  },
);
