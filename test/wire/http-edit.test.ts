import { expect, test } from 'vitest';

import { editHead } from '../../src/wire/http-edit.ts';
import { Refusal } from '../../src/wire/refusal.ts';

const NONE = { isLast: false, withoutUpgrade: false, asProxy: false };
const head = (line: string, ...fields: readonly string[]) => [line, ...fields, '', ''].join('\r\n');

test('an edit that is not asked for leaves a head as it is', () => {
  const text = head(
    'GET /\xa0 HTTP/1.1',
    'Host:a',
    'connection: close, Upgrade',
    'Keep-Alive: 1',
    'Upgrade: h2c',
  );
  expect(editHead(text, NONE)).toBe(text);
});

test.each([
  [[], []],
  [['Connection: keep-alive', 'keep-alive: 5', 'X: \xff'], ['X: \xff']],
  [['cOnnection:Close,\tx , keep-alive,Y'], ['cOnnection: x, Y']],
  [
    ['Connection: Upgrade', 'Upgrade: tcp', 'Close: 1'],
    ['Connection: Upgrade', 'Upgrade: tcp', 'Close: 1'],
  ],
])('the last request: fields %j become %j, behind Connection: close', (fields, kept) => {
  const edited = editHead(head('POST / HTTP/1.1', 'Host: a', ...fields), { ...NONE, isLast: true });
  expect(edited).toBe(head('POST / HTTP/1.1', 'Connection: close', 'Host: a', ...kept));
});

test('a request without its wish for another protocol', () => {
  const text = head(
    'GET / HTTP/1.1',
    'upgrade: h2c',
    'Host: a',
    'Connection: Upgrade, HTTP2-Settings',
    'HTTP2-Settings: x',
    'Upgrade: y',
  );
  expect(editHead(text, { ...NONE, withoutUpgrade: true })).toBe(head('GET / HTTP/1.1', 'Host: a'));
});

test.each([
  ['GET http://A.test:80/\xa0?b HTTP/1.1', 'GET /\xa0?b HTTP/1.1', '1.1', 'A.test:80'],
  ['GET HTTP://a.test?b HTTP/1.0', 'GET /?b HTTP/1.0', '1.0', 'a.test'],
  ['GET http://a.test HTTP/1.1', 'GET / HTTP/1.1', '1.1', 'a.test'],
  ['OPTIONS http://a.test HTTP/1.1', 'OPTIONS * HTTP/1.1', '1.1', 'a.test'],
  ['OPTIONS http://a.test/b HTTP/1.1', 'OPTIONS /b HTTP/1.1', '1.1', 'a.test'],
  ["GET http://a.test/$&$'$1 HTTP/1.1", "GET /$&$'$1 HTTP/1.1", '1.1', 'a.test'],
])('as a proxy %s becomes %s', (line, origin, version, host) => {
  const hop = ['Connection: X, upgrade', 'x: 1', 'Proxy-Connection: close', 'Proxy-Authorization: b'];
  const edited = editHead(head(line, 'Y: $&', 'host:b.test:1', ...hop, 'Upgrade: ws'), {
    ...NONE,
    asProxy: true,
  });
  const kept = ['Y: $&', `Host: ${host}`, 'Connection: upgrade', 'Upgrade: ws', `Via: ${version} sallyport`];
  expect(edited).toBe(head(origin, ...kept));
});

test('as a proxy Host is added where there is none', () => {
  const edited = editHead(head('GET http://a.test/ HTTP/1.0', 'X: y'), { ...NONE, asProxy: true });
  expect(edited).toBe(head('GET / HTTP/1.0', 'Host: a.test', 'X: y', 'Via: 1.0 sallyport'));
});

test('as a proxy Max-Forwards is counted down, for TRACE and OPTIONS alone', () => {
  const edited = (method: string, count: string) =>
    editHead(head(`${method} http://a.test/ HTTP/1.1`, 'Host: a.test', `max-forwards: ${count}`), {
      ...NONE,
      asProxy: true,
    });
  expect(edited('OPTIONS', '10')).toContain('\r\nmax-forwards: 9\r\n');
  expect(edited('GET', '0')).toContain('\r\nmax-forwards: 0\r\n');
  expect(() => edited('TRACE', '0')).toThrow(Refusal);
});
