import { expect, test } from 'vitest';

import { RequestReader } from '../../src/wire/http-request-reader.ts';
import { Refusal } from '../../src/wire/refusal.ts';

/** What a reader makes of bytes that come in these pieces: each request, and why it reads no further. */
function readAll(pieces: readonly Buffer[], { asProxy = false } = {}) {
  const reader = new RequestReader({ asProxy });
  const requests: object[] = [];
  let content = '';
  try {
    for (const piece of pieces) {
      for (let at = 0; at < piece.length;) {
        if (!reader.isBetween) {
          const start = at;
          at = reader.readContent(piece, at, piece.length);
          content += piece.toString('latin1', start, at);
          continue;
        }
        at = reader.readHead(piece, at, piece.length);
        if (!reader.hasHead) continue;
        const { method, authority, hasContent, persists, upgrade, bytes, start, end } = reader;
        requests.push({
          method,
          ...authority,
          hasContent,
          persists,
          upgrade,
          head: bytes.toString('latin1', start, end),
        });
      }
    }
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause;
    return { requests, content, rule: cause.rule, reason: cause.message };
  }
  return { requests, content, rule: null, reason: '' };
}

const read = (text: string, options = {}) => readAll([Buffer.from(text, 'latin1')], options);
const H = 'Host: a.test\r\n';
const request = (fields: string, line = 'GET / HTTP/1.1') => `${line}\r\n${fields}\r\n`;

test.each([
  [
    request(H),
    { method: 'GET', name: 'a.test', port: null, hasContent: false, persists: true, upgrade: 'none' },
  ],
  [request('host:a.test:8080\r\n'), { name: 'a.test', port: 8080 }],
  [request('HOST: [::1]:80\r\nX:\r\n\x21:\t \xff\t\r\n'), { name: '::1', port: 80 }],
  [request(H, 'GET /\xff?a#b HTTP/1.1'), { method: 'GET', name: 'a.test' }],
  [request('Host: A.test.\r\n', 'GET http://a.TEST:80 HTTP/1.1'), { name: 'a.TEST', port: 80 }],
  [request('Host: a.test:80\r\n', 'GET HTTP://a.test?x HTTP/1.1'), { name: 'a.test', port: null }],
  [request('', 'GET http://a.test/ HTTP/1.0'), { name: 'a.test', persists: false }],
  [request('', 'CONNECT a.test:443 HTTP/1.0'), { method: 'CONNECT', name: 'a.test', port: 443 }],
  [request('Host: a.test\r\n', 'CONNECT a.test:443 HTTP/1.1'), { name: 'a.test', port: 443 }],
  [request(H, 'OPTIONS * HTTP/1.1'), { method: 'OPTIONS', name: 'a.test' }],
  [request(`${H}Connection: keep-alive\r\n`, 'GET / HTTP/1.0'), { persists: true }],
  [request(`${H}Connection: x\r\nconnection: TE , CLOSE\r\n`), { persists: false }],
  [request(`${H}Upgrade: websocket\r\n`), { upgrade: 'asked' }],
  [request(`${H}Upgrade: websocket\r\nUpgrade: h2c\r\n`), { upgrade: 'hidden' }],
  [request(`${H}Upgrade: HTTP/2.0\r\n`, 'GET / HTTP/1.0'), { upgrade: 'hidden' }],
  [request(`${H}Upgrade: websocket\r\n`, 'GET / HTTP/1.0'), { upgrade: 'void' }],
  [request(`${H}Content-Length: 0\r\nExpect: 100-Continue\r\n`), { hasContent: false }],
  [request(`${H}Trailer: X\r\nConnection_: host\r\nX-Host: b\r\n`), { hasContent: false }],
])('%j is read', (text, expected) => {
  const { requests, rule } = read(text);
  expect([requests[0], rule]).toMatchObject([{ ...expected, head: text }, null]);
});

test.each([
  ['GET  / HTTP/1.1', H, 'malformed', 'line 1'],
  ['GET / HTTP/1.1 ', H, 'malformed', 'line 1'],
  ['GET\t/ HTTP/1.1', H, 'malformed', 'line 1'],
  ['GET /\x00 HTTP/1.1', H, 'malformed', 'line 1'],
  ['GET /\t HTTP/1.1', H, 'malformed', 'line 1'],
  ['G\xe9T / HTTP/1.1', H, 'malformed', 'line 1'],
  ['GET / http/1.1', H, 'malformed', 'line 1'],
  ['GET / HTTP/1.10', H, 'malformed', 'line 1'],
  ['GET / HTTP/1.2', H, 'HTTP version', 'HTTP/1.2'],
  ['GET / HTTP/2.0', H, 'HTTP version', 'HTTP/2.0'],
  ['GET a.test HTTP/1.1', H, 'malformed', 'request target'],
  ['GET * HTTP/1.1', H, 'malformed', 'request target'],
  ['GET http://u@a.test/ HTTP/1.1', H, 'malformed', 'no host'],
  ['GET http://a.test/#b HTTP/1.1', H, 'malformed', 'request target'],
  ['GET http:///x HTTP/1.1', H, 'malformed', 'no host'],
  ['GET https://a.test/ HTTP/1.1', H, 'unsupported', 'CONNECT'],
  ['GET http://a.test:81/ HTTP/1.1', H, 'several names', 'Host'],
  ['CONNECT a.test HTTP/1.1', H, 'malformed', 'host:port'],
  ['CONNECT a.test:443 HTTP/1.1', 'Host: b.test\r\n', 'several names', 'Host'],
  ['CONNECT a.test:443 HTTP/1.1', `${H}Content-Length: 1\r\n`, 'malformed', 'content'],
  ['GET / HTTP/1.1', '', 'no name', 'Host'],
  ['GET / HTTP/1.0', '', 'no name', 'Host'],
  ['GET / HTTP/1.1', 'Host: \r\n', 'no name', 'Host'],
  ['GET / HTTP/1.1', `${H}host: a.test\r\n`, 'several names', 'more than one'],
  ['GET / HTTP/1.0', `${H}${H}`, 'several names', 'more than one'],
  ['GET / HTTP/1.1', 'Host:  a.test\r\n', 'malformed', 'white space'],
  ['GET / HTTP/1.1', 'Host: a.test \r\n', 'malformed', 'white space'],
  ['GET / HTTP/1.1', 'Host:\ta.test\r\n', 'malformed', 'white space'],
  ['GET / HTTP/1.1', `${H}Connection: close\t\r\n`, 'malformed', 'white space'],
  ['GET / HTTP/1.1', `${H}X : y\r\n`, 'malformed', 'line 3'],
  ['GET / HTTP/1.1', `${H}: y\r\n`, 'malformed', 'line 3'],
  ['GET / HTTP/1.1', `${H}X: y\r\n z\r\n`, 'malformed', 'line 4 is folded'],
  ['GET / HTTP/1.1', `${H}X: \x7f\r\n`, 'malformed', 'line 3'],
  ['GET / HTTP/1.1', `${H}X: a\rb\r\n`, 'malformed', 'line 3'],
  ['GET / HTTP/1.1', `${H}X: a\nY: b\r\n`, 'malformed', 'line 3 ends with LF'],
  ['GET / HTTP/1.1', `${H}Host_: b\r\n`, 'malformed', 'host_'],
  ['GET / HTTP/1.1', `${H}Content_Length: 1\r\n`, 'malformed', 'content_length'],
  ['GET / HTTP/1.1', `${H}TransferEncoding: chunked\r\n`, 'malformed', 'transferencoding'],
  ['GET / HTTP/1.1', `${H}Content-Length: 1\r\nContent-Length: 1\r\n`, 'malformed', 'more than one'],
  ['GET / HTTP/1.1', `${H}Content-Length: 01\r\n`, 'malformed', 'octal'],
  ['GET / HTTP/1.1', `${H}Content-Length: +1\r\n`, 'malformed', 'no number'],
  ['GET / HTTP/1.1', `${H}Content-Length: 1x\r\n`, 'malformed', 'no number'],
  ['GET / HTTP/1.1', `${H}Content-Length: 12x\r\n`, 'malformed', 'no number'],
  ['GET / HTTP/1.1', `${H}Content-Length: 1, 1\r\n`, 'malformed', 'no number'],
  ['GET / HTTP/1.1', `${H}Content-Length:\r\n`, 'malformed', 'no number'],
  ['GET / HTTP/1.1', `${H}Content-Length: 9007199254740992\r\n`, 'malformed', 'no number'],
  [
    'GET / HTTP/1.1',
    `${H}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n`,
    'malformed',
    'and Content-Length',
  ],
  ['GET / HTTP/1.0', `${H}Transfer-Encoding: chunked\r\n`, 'malformed', 'HTTP/1.0'],
  ['GET / HTTP/1.1', `${H}Transfer-Encoding: gzip\r\n`, 'malformed', 'not chunked'],
  ['GET / HTTP/1.1', `${H}Transfer-Encoding: chunked, chunked\r\n`, 'malformed', 'not chunked'],
  ['GET / HTTP/1.1', `${H}Transfer-Encoding: gzip, chunked\r\n`, 'unsupported', 'but chunked'],
  [
    'GET / HTTP/1.1',
    `${H}Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n`,
    'malformed',
    'more than one',
  ],
  ['GET / HTTP/1.1', `${H}Connection: Content-Length\r\n`, 'malformed', 'Connection names'],
  ['GET / HTTP/1.1', `${H}Connection: x, trailer\r\n`, 'malformed', 'Connection names'],
  ['GET / HTTP/1.1', `${H}Expect: x\r\n`, 'unsupported', '100-continue'],
  ['GET / HTTP/1.1', `${H}Connection: ${'a,'.repeat(2_500)}\r\n`, 'too long', 'connection'],
  ['GET / HTTP/1.1', `${H}${'a:\r\n'.repeat(1_000)}`, 'too long', '1000 fields'],
  ['GET / HTTP/1.1', `${H}X: ${'a'.repeat(65_536)}\r\n`, 'too long', '65536 bytes'],
] as const)('%j with %j is refused as %s', (line, fields, rule, reason) => {
  const outcome = read(request(fields, line));
  expect([outcome.requests, outcome.rule]).toEqual([[], rule]);
  expect(outcome.reason).toContain(reason);
});

test('as a proxy, only absolute URIs and CONNECT are read, and Host is not compared with them', () => {
  expect(read(request(H), { asProxy: true })).toMatchObject({ rule: 'no proxy request' });
  expect(
    read(request('Host: b\r\n', 'GET http://a.test/ HTTP/1.1'), { asProxy: true }).requests,
  ).toMatchObject([{ name: 'a.test' }]);
  const connect = request('', 'CONNECT a.test:443 HTTP/1.1');
  expect(read(connect, { asProxy: true }).requests).toMatchObject([{ name: 'a.test', port: 443 }]);
  expect(read(request('', 'GET http://a.test/ HTTP/1.1'), { asProxy: true })).toMatchObject({
    rule: 'no name',
  });
  const kept = request(`${H}Connection: keep-alive\r\n`, 'GET http://a.test/ HTTP/1.0');
  expect(read(kept, { asProxy: true }).requests).toMatchObject([{ persists: false }]);
});

const CHUNKED = request(`${H}Transfer-Encoding: chunked\r\n`, 'POST / HTTP/1.1');
test.each([
  ['3;a="b;c"\r\nabc\r\n0000A;x\r\n0123456789\r\n0\r\nX: y\r\nDate:\r\n\r\n', null],
  ['0;a=b\r\n\r\n', null],
  ['3 \r\nabc\r\n0\r\n\r\n', 'chunk size'],
  ['3; a=b\r\nabc\r\n0\r\n\r\n', 'chunk size'],
  ['3\nabc\r\n0\r\n\r\n', 'chunk size'],
  ['13\na\r\n0\r\n\r\n', 'chunk size'],
  ['3\r\nabc5\r\nhello\r\n0\r\n\r\n', 'no CRLF'],
  ['0x3\r\nabc\r\n0\r\n\r\n', 'chunk size'],
  ['\r\n', 'chunk size'],
  ['00000000000003\r\nabc\r\n0\r\n\r\n', 'chunk size'],
  ['3\r\nabcd\r\n0\r\n\r\n', 'no CRLF'],
  ['3\r\nabc\n0\r\n\r\n', 'no CRLF'],
  ['0\r\nContent-Length: 3\r\n\r\n', 'trailer'],
  ['0\r\nHOST: b\r\n\r\n', 'trailer'],
  ['0\r\nTransfer_Encoding: x\r\n\r\n', 'trailer'],
  ['0\r\nX : y\r\n\r\n', 'field line'],
  ['0\r\n y\r\n\r\n', 'field line'],
  ['0\r\nX: y\n\r\n', 'field line'],
  [`0\r\n${'X: y\r\n'.repeat(2_000)}\r\n`, 'trailers are too long'],
  [`1;${'x'.repeat(5_000)}\r\na\r\n0\r\n\r\n`, 'too long'],
])('chunks %j are read to their end, or refused: %s', (chunks, reason) => {
  const text = `${CHUNKED}${chunks}${request(H)}`;
  const { requests, content, reason: said } = read(text);
  expect(requests.length).toBe(reason === null ? 2 : 1);
  expect(said).toContain(reason ?? '');
  expect(reason === null ? content : chunks).toBe(chunks);
});

test.each([
  '0\r\rGET /x',
  '2\rx',
  'x',
  '00000000000003',
  '3;\t',
  '3\r\nabcd',
  '0\r\n\r\r',
  '0\r\nX\r',
  '0\r\nX: y\rz',
])('chunks that are cut at %j are refused before they go on', (chunks) => {
  expect(read(`${CHUNKED}${chunks}`)).toMatchObject({ rule: 'malformed' });
});

test('however requests are cut, the same is read', () => {
  const text = `\r\n${request(`${H}Content-Length: 12\r\n`)}abcdefghijkl\r\n\r\n${CHUNKED}3;a\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nX: y\r\n\r\n${request(H)}`;
  const bytes = Buffer.from(`${text}${request('')}`, 'latin1');
  const whole = readAll([bytes]);
  expect([whole.requests.length, whole.rule]).toEqual([3, 'no name']);
  for (let at = 1; at < bytes.length; at++)
    expect(readAll([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
  expect(readAll(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(whole);
});

test('a head that need not come to its end is refused before it does', () => {
  expect(read('GET / HTTP/1.1\nHost: a.test\n\n')).toMatchObject({ rule: 'malformed' });
  expect(read(`GET / HTTP/1.1\r\nX: ${'a'.repeat(70_000)}`)).toMatchObject({ rule: 'too long' });
  expect(read('\r\r')).toMatchObject({ rule: 'malformed' });
});
