import * as fc from 'fast-check';

import { BODY } from './body.ts';
import { EDITS } from './edits.ts';
import { mostly } from './mostly.ts';

/** What a target sends, and the methods that it was asked with. */
export interface TargetStream {
  readonly methods: readonly string[];
  /** As latin1. */
  readonly text: string;
}

const METHOD = fc.constantFrom('GET', 'GET', 'GET', 'POST', 'HEAD', 'CONNECT');
const VERSION = mostly(
  ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0'],
  ['HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/1.1\t', 'ICY', 'HTTP/1', ''],
  40,
);
const STATUS = mostly(
  ['200', '200', '200', '200', '404', '204', '304', '205', '206', '500', '100', '103', '101', '417', '999'],
  ['099', '1000', '20', '', '2OO', '-200', '+200', '200\t', '600', '199'],
  40,
);
const REASON = mostly(
  [' OK', ' OK', ' Not Found', ' ', '', ' \xe4'],
  [' a\rb', ' a\nb', ' \x00', '\tOK', ' OK '],
  40,
);
const FIELD = mostly(
  [
    'X: x',
    'Date: Thu, 01 Jan 1970 00:00:00 GMT',
    'Connection: close',
    'Connection: keep-alive',
    'connection:Close',
    'Connection: X, close',
    'Keep-Alive: timeout=5',
    'Set-Cookie: a=b',
    'Set-Cookie: c=d',
    'Content-Type: text/plain',
    'Content-Encoding: gzip',
    'Trailer: X',
    'Upgrade: websocket',
    'Upgrade: h2c',
    'X: \xe4\x85',
    'X:',
    'Server: a (b)',
    `X: ${'x'.repeat(2_500)}`,
  ],
  [
    'X : x',
    ' x',
    '\tx',
    'X',
    ': x',
    'X: \x00',
    'X: \x0b',
    'X: a\rb',
    'X: a\nY: b',
    'Content-Length: 0',
    'Content-Length: 5',
    'Content-Length: 5, 5',
    'Content-Length: 5, 6',
    'Content-Length: 5\r\nContent-Length: 5',
    'Content-Length:',
    'Content-Length: x',
    'Content_Length: 5',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip',
    'Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked, gzip',
    'Transfer-Encoding:',
    'Transfer-Encoding : chunked',
    'Transfer_Encoding: chunked',
    'X\xe4: x',
  ],
  12,
);

const ANSWER = fc
  .record({
    method: METHOD,
    version: VERSION,
    status: STATUS,
    reason: REASON,
    fields: fc.array(FIELD, { maxLength: 4 }),
    body: BODY,
    /** How many interim answers come before it. */
    interim: mostly([0, 0, 0, 0, 1], [2, 3], 20),
  })
  .map(({ method, version, status, reason, fields, body: [framing, content], interim }) => {
    const lines = [`${version} ${status}${reason}`, ...fields, ...(framing === '' ? [] : [framing]), '', ''];
    // Mostly without content where there is none.
    const isEmpty = method === 'HEAD' || ['204', '304', '100', '103'].includes(status);
    const before = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(interim);
    return { method, text: before + lines.join('\r\n') + (isEmpty && fields.length < 3 ? '' : content) };
  });

/** Streams of one to three answers, most of them valid or nearly so. */
export const TARGET_STREAM: fc.Arbitrary<TargetStream> = fc
  .tuple(fc.array(ANSWER, { minLength: 1, maxLength: 3 }), EDITS)
  .map(([answers, edits]) => ({
    methods: answers.map(({ method }) => method),
    text: edits.reduce((text, edit) => edit(text), answers.map(({ text }) => text).join('')),
  }));
