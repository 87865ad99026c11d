import { expect, test } from 'vitest';

import { AnswerReader } from '../../src/wire/http-answer-reader.ts';

/** What a reader makes of the answer to a method, in these pieces. */
function read(text: string, { method = 'GET', size = Infinity } = {}) {
  const reader = new AnswerReader();
  reader.method = method;
  const bytes = Buffer.from(text, 'latin1');
  let at = 0;
  const isDone = () => at > 0 && reader.isBetween && reader.hasHead;
  for (
    let end = Math.min(size, bytes.length);
    !isDone() && at < bytes.length;
    end = Math.min(end + size, bytes.length)
  ) {
    while (at < end && !isDone()) {
      at = reader.isBetween ? reader.readHead(bytes, at, end) : reader.readContent(bytes, at, end);
    }
  }
  const { status, persists, closes, isUnderstood, left } = reader;
  return { status, persists, closes, isUnderstood, rest: isDone() ? text.slice(at) : left };
}

const answer = (fields: string, line = 'HTTP/1.1 200 OK') => `${line}\r\n${fields}\r\n`;
const CHUNKS = 'Transfer-Encoding: chunked\r\n';

test.each([
  [answer('Content-Length: 2\r\n'), 'ok', {}],
  [answer('content-length:2 \r\nContent-Length: 2, 2\r\n'), 'ok', {}],
  [answer('Content-Length: 0\r\n', 'HTTP/1.1 799'), '', { status: 799 }],
  [answer(CHUNKS), '2  ;a = "b"\r\nok\r\n000\r\nHost: x\r\n\r\n', {}],
  [answer('Transfer-Encoding: gzip\r\nTransfer-Encoding: x, Chunked\r\n'), '0\r\n\r\n', {}],
  [answer(`${CHUNKS}Content-Length: 9\r\n`), '0\r\n\r\n', { persists: false }],
  [answer(CHUNKS, 'HTTP/1.1 204 No'), '', { status: 204 }],
  [answer('Content-Length: 9\r\n', 'HTTP/1.1 304 No'), '', { status: 304 }],
  [answer('Content-Length: 9\r\n', 'HTTP/1.1 103 Hints'), '', { status: 103 }],
  [answer('Content-Length: 2\r\nConnection: x, Close\r\n'), 'ok', { persists: false, closes: true }],
  [answer('Content-Length: 2\r\n', 'HTTP/1.0 200 OK'), 'ok', { persists: false }],
  [answer('Content-Length: 2\r\nConnection: Keep-Alive\r\n', 'HTTP/1.0 200 OK'), 'ok', {}],
])('%j ends behind %j, in whatever pieces', (head, content, expected) => {
  const whole = { status: 200, persists: true, closes: false, isUnderstood: true, rest: 'HTTP', ...expected };
  for (const size of [Infinity, 1, 7]) expect(read(`${head}${content}HTTP`, { size })).toEqual(whole);
});

test.each([
  ['HEAD', answer('Content-Length: 9\r\n')],
  ['HEAD', answer(CHUNKS)],
  ['CONNECT', answer('Content-Length: 9\r\n', 'HTTP/1.1 201 Fine')],
])('an answer to %s ends with its head: %j', (method, text) => {
  expect(read(`${text}HTTP`, { method })).toMatchObject({ rest: 'HTTP', persists: true });
});

test.each([
  ['no length', answer('')],
  ['a last coding that is not chunked', answer('Transfer-Encoding: chunked, gzip\r\n')],
])('an answer with %s goes on to the close', (_what, text) => {
  expect(read(`${text}HTTP`)).toMatchObject({ rest: Infinity, persists: false, isUnderstood: true });
});

test.each([
  ['a status below 100', answer('Content-Length: 0\r\n', 'HTTP/1.1 099 x')],
  ['a status of four digits', answer('Content-Length: 0\r\n', 'HTTP/1.1 2000 x')],
  ['HTTP/2', answer('Content-Length: 0\r\n', 'HTTP/2.0 200 x')],
  ['different lengths', answer('Content-Length: 0\r\nContent-Length: 1\r\n')],
  ['a length that is no number', answer('Content-Length: 0x0\r\n')],
  ['chunks in HTTP/1.0', answer(CHUNKS, 'HTTP/1.0 200 OK')],
  ['a folded line', answer('X: y\r\n z\r\nContent-Length: 0\r\n')],
  ['LF alone', answer('Content-Length: 0\r\n').replaceAll('\r', '')],
  ['chunks that are none', `${answer(CHUNKS)}x\r\n`],
  ['no CRLF behind a chunk', `${answer(CHUNKS)}1\r\nab`],
  ['no CR behind the last chunk', `${answer(CHUNKS)}0\r\n\nHTTP/1.1 200 OK\r\n`],
  ['CR in a trailer', `${answer(CHUNKS)}0\r\nX: a\rb\r\n`],
  ['an empty coding', answer('Transfer-Encoding: chunked,\r\n')],
  ['a tab behind a coding', answer('Transfer-Encoding: chunked\t\r\n')],
  ['no head', 'ok'],
])('an answer with %s is not understood, and goes on to the close', (_what, text) => {
  for (const size of [Infinity, 1, 7]) {
    const outcome = read(`${text}HTTP`, { size });
    expect(outcome).toMatchObject({ rest: Infinity, persists: false, isUnderstood: false, closes: false });
  }
  const closing = text.replace(/\r?\n/, (end) => `${end}Connection: close${end}`);
  expect(read(`${closing}HTTP`)).toMatchObject({ isUnderstood: false, closes: text !== 'ok' });
});
