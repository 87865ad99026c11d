import { setImmediate as turn } from 'node:timers/promises';

import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';

import { fuzz } from '../helpers/fuzz.ts';
import { compareRequests, gistOfRequests, noCounts } from '../helpers/http-beside-node.ts';
import { cut, CUTS } from '../helpers/http-corpus/cuts.ts';
import { anyClientStream } from '../helpers/http-corpus/requests.ts';
import { trickTexts } from '../helpers/http-corpus/tricks.ts';
import { passOn, passOnMost } from '../helpers/http-passed.ts';

const PORT = 8_080;

test('all tricks of the literature: what RequestReader() takes of them, Node reads the same', () => {
  const counts = noCounts();
  const faults: string[] = [];
  for (const asProxy of [false, true]) {
    for (const text of trickTexts({ asProxy, port: PORT })) {
      const stream = { asProxy };
      try {
        compareRequests(stream, passOnMost(Buffer.from(text, 'latin1'), stream), counts);
      } catch (cause) {
        faults.push(String(cause));
      }
    }
  }
  expect(faults).toEqual([]);
  expect(Math.min(counts.accepted, counts.refused)).toBeGreaterThan(counts.streams / 20);
});

const { isLong, ...parameters } = fuzz(60_000);

test(
  'what RequestReader() takes, however it comes, Node reads the same',
  { timeout: isLong ? 0 : 120_000 },
  async () => {
    const counts = noCounts();
    const anyStream = fc.oneof(
      { weight: 3, arbitrary: anyClientStream({ asProxy: false, port: PORT }) },
      anyClientStream({ asProxy: true, port: PORT }),
    );
    // Most errors here are refusals, and where they are made takes as long to find out as all the rest.
    const { stackTraceLimit } = Error;
    onTestFinished(() => void (Error.stackTraceLimit = stackTraceLimit));
    Error.stackTraceLimit = 0;
    await fc.assert(
      fc.asyncProperty(anyStream, CUTS, async (stream, cuts) => {
        // For Node to let go of the sockets of the runs before.
        if (counts.streams % 100 === 0) await turn();
        const bytes = Buffer.from(stream.text, 'latin1');
        const passed = passOnMost(bytes, stream);
        expect(gistOfRequests(passOn(cut(bytes, cuts), stream))).toBe(gistOfRequests(passed));
        counts.made += stream.count;
        compareRequests(stream, passed, counts);
      }),
      parameters,
    );
    if (isLong) console.log(counts);
    expect(counts.made).toBeGreaterThan(isLong ? 0 : 100_000);
    expect(Math.min(counts.accepted, counts.refused)).toBeGreaterThan(counts.streams / 5);
    expect(counts.read).toBeGreaterThan(counts.compared / 2);
  },
);
