import { deepEqual } from 'node:assert/strict';

import type { PassedAnswer } from './http-answers.ts';
import { nodeAnswer } from './node-answers.ts';

const PARSERS = Object.entries({ strict: false, lax: true });

/** What must be the same however a stream is cut. What cannot be read begins where a cut may be, and lasts to the end. */
export function gistOfAnswers(answers: readonly PassedAnswer[]): string {
  const understood = answers.filter(({ isUnderstood }) => isUnderstood);
  return JSON.stringify({ understood, areAll: understood.length === answers.length });
}

/** Where both know how an answer ends, the reader and Node must say the same; how many times they do. */
export async function compareAnswers(
  answers: readonly PassedAnswer[],
  { methods, text }: { readonly methods: readonly string[]; readonly text: string },
): Promise<number> {
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
      deepEqual({ parser, status, end }, { parser, status: read.status, end: from + read.end });
    }
    after = end;
    if (!(end <= text.length)) break;
  }
  return compared;
}
