import { setImmediate as turn } from 'node:timers/promises';

import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';

import { fuzz } from '../helpers/fuzz.ts';
import { faultOf } from '../helpers/http-compare.ts';
import { cut, CUTS } from '../helpers/http-corpus/cuts.ts';
import { anyClientStream, type ClientStream } from '../helpers/http-corpus/requests.ts';
import { trickTexts } from '../helpers/http-corpus/tricks.ts';
import {
  byConnection,
  flights,
  passOn,
  passOnMost,
  type Passed,
  type PassedRequest,
} from '../helpers/http-passed.ts';
import { nodeParser } from '../helpers/node-parser.ts';

const PORT = 8_080;
const PARSERS = Object.entries({ strict: nodeParser({ isLax: false }), lax: nodeParser({ isLax: true }) });

/** How many streams the reader has taken and refused, and how many requests were made, compared with Node and read by it. */
interface Counts {
  streams: number;
  accepted: number;
  refused: number;
  made: number;
  compared: number;
  read: number;
}

const noCounts = (): Counts => ({ streams: 0, accepted: 0, refused: 0, made: 0, compared: 0, read: 0 });

/** Has Node read what the reader takes of a stream. Throws where it reads something else. */
function compare(stream: ClientStream, { requests, tunnelAt, refusal }: Passed, counts: Counts): void {
  counts.streams++;
  counts.made += stream.count;
  if (refusal !== null) counts.refused++;
  else if (requests.length > 0 || tunnelAt !== null) counts.accepted++;

  // As they came, which is for no proxy's target; and as they leave, where that is not the same.
  const isEdited = requests.some(({ head, sent }) => head !== sent);
  const forms = [...(stream.asProxy ? [] : (['head'] as const)), ...(isEdited ? (['sent'] as const) : [])];
  for (const form of forms) {
    const connections = byConnection(requests, ({ method, hasContent }) =>
      // Behind CONNECT, Node reads no more requests.
      form === 'head' ? method === 'CONNECT' : hasContent || method === 'CONNECT',
    );
    for (const connection of connections) {
      const pieces = flights(connection, form);
      if (form === 'sent') expectReadAgain(connection, pieces);
      for (const [name, parse] of PARSERS) {
        const reading = parse(pieces);
        counts.compared += connection.length;
        counts.read += reading.requests.length;
        const fault = faultOf(connection, reading, form);
        if (fault !== null) throw new Error(`Node's ${name} parser, of ${JSON.stringify(pieces)}: ${fault}`);
      }
    }
  }
}

/** Edited requests must be what the reader takes for the same ones. */
function expectReadAgain(connection: readonly PassedRequest[], pieces: readonly string[]): void {
  const gistOf = ({ method, host, content, isWhole }: PassedRequest) => [method, host, content, isWhole];
  const { requests } = passOn([Buffer.from(pieces.join(''), 'latin1')], { asProxy: false });
  // It is not read to the end where the client did not come to it, or was refused.
  const isCut = connection.at(-1)?.isWhole === false;
  const [read, sent] = [requests, connection].map((all) =>
    JSON.stringify((isCut ? all.slice(0, -1) : all).map(gistOf)),
  );
  if (read !== sent) throw new Error(`of ${JSON.stringify(pieces)} the reader itself reads ${read}`);
}

/** What must be the same however a stream is cut: all but how much is passed on of content that is refused in the end. */
function gist({ requests, tunnelAt, refusal }: Passed): string {
  const whole = requests.map((request) => (request.isWhole ? request : { ...request, content: '' }));
  return JSON.stringify({ whole, tunnelAt, isRefused: refusal !== null });
}

test('all tricks of the literature: what RequestReader() takes of them, Node reads the same', () => {
  const counts = noCounts();
  const faults: string[] = [];
  for (const asProxy of [false, true]) {
    for (const text of trickTexts({ asProxy, port: PORT })) {
      const stream = { asProxy, text, count: 1 };
      try {
        compare(stream, passOnMost(Buffer.from(text, 'latin1'), stream), counts);
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
        expect(gist(passOn(cut(bytes, cuts), stream))).toBe(gist(passed));
        compare(stream, passed, counts);
      }),
      parameters,
    );
    if (isLong) console.log(counts);
    expect(counts.made).toBeGreaterThan(isLong ? 0 : 100_000);
    expect(Math.min(counts.accepted, counts.refused)).toBeGreaterThan(counts.streams / 5);
    expect(counts.read).toBeGreaterThan(counts.compared / 2);
  },
);
