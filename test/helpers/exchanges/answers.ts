import { gzipSync } from 'node:zlib';

import type { ClientStep } from '../exchange.ts';
import { answer, CHUNKED, type Exchanges, head, inChunks, LARGE, OBS_TEXT, OK, turn } from './text.ts';

const gzip = (text: string) => gzipSync(text).toString('latin1');

/** Answers of all kinds, which arrive as they are; `ask` makes a request without content. */
export function answerExchanges(ask: (method: string) => ClientStep): Exchanges {
  const get = ask('GET');
  const answered = (...[fields, content]: Parameters<typeof answer>) => turn(get, answer(fields, content));
  /** Behind it the connection goes on. */
  const kept = (...args: Parameters<typeof answer>) => [...answered(...args), ...turn(get)];
  const ended = (text: string) => turn(get, text, { ends: true });

  return {
    'several fields of a name': answered([
      'Set-Cookie: a=1',
      'Set-Cookie: b=2',
      'set-cookie: c=3',
      'Content-Length: 0',
    ]),
    'fields in odd cases, with odd spaces': answered(
      ['X-NONE:', 'x-TABS:\t\ta\tb\t', 'X-Spaces:    a  b   ', 'cOnTeNt-LeNgTh:\t 2 \t'],
      'ok',
    ),
    'bytes from 0x80 on': turn(
      get,
      `${head(`HTTP/1.1 200 ${OBS_TEXT}`, `X: ${OBS_TEXT}`, 'Content-Length: 2')}ok`,
    ),
    'a status line without a reason': turn(get, `${head('HTTP/1.1 299 ', 'Content-Length: 2')}ok`),
    'a status line that ends with the status': turn(get, `${head('HTTP/1.1 299', 'Content-Length: 2')}ok`),
    '1,500 fields': kept(
      [...Array.from({ length: 1_500 }, (_, i) => `X-${i}: ${i}`), 'Content-Length: 2'],
      'ok',
    ),
    'a head of 60 kB': kept([`X: ${'x'.repeat(60_000)}`, 'Content-Length: 2'], 'ok'),
    'no content': kept(['Content-Length: 0']),
    'large content': kept([`Content-Length: ${LARGE.length}`], LARGE),
    'a length in two fields': kept(['Content-Length: 2', 'Content-Length: 2'], 'ok'),
    'a length twice in a field': kept(['Content-Length: 2, 2'], 'ok'),

    chunks: kept([CHUNKED], inChunks('hello', 2)),
    'chunks of one byte': kept([CHUNKED], inChunks(LARGE.slice(0, 2_000), 1)),
    'large chunks': kept([CHUNKED], inChunks(LARGE, 200_000)),
    'chunks with extensions': kept(
      [CHUNKED],
      '00000000000000000005 ; a = "b;c"\r\nhello\r\n0A;x\r\n0123456789\r\n000;last\r\n\r\n',
    ),
    'chunks with trailers': kept(
      ['Trailer: X-Sum', CHUNKED],
      `2\r\nok\r\n0\r\nX-Sum: 1\r\nX-Odd:\t${OBS_TEXT} \r\n\r\n`,
    ),
    'a Trailer field without chunks': kept(['Trailer: X-Sum', 'Content-Length: 2'], 'ok'),
    'chunks of what is compressed': kept(['Transfer-Encoding: gzip, chunked'], inChunks(gzip(LARGE), 50_000)),
    'chunks of what is compressed, in two fields': kept(
      ['Transfer-Encoding: gzip', 'transfer-encoding: Chunked'],
      inChunks(gzip('ok'), 7),
    ),
    'compressed to the end of the connection': ended(answer(['Transfer-Encoding: gzip'], gzip('ok'))),
    'compressed content in chunks': kept(['Content-Encoding: gzip', CHUNKED], inChunks(gzip('ok'), 7)),

    'content to the end of the connection': ended(answer(['Server: x'], LARGE)),
    'HTTP/1.0': ended(`${head('HTTP/1.0 200 OK')}to the end`),
    'HTTP/1.0 with a length': ended(`${head('HTTP/1.0 200 OK', 'Content-Length: 2')}ok`),
    'HTTP/1.0 that is kept': [
      ...turn(get, `${head('HTTP/1.0 200 OK', 'Connection: keep-alive', 'Content-Length: 2')}ok`),
      ...turn(get),
    ],
    'Connection: close': ended(answer(['Connection: close', 'Content-Length: 2'], 'ok')),

    'no content, whatever the fields say': [
      ...turn(ask('HEAD'), answer(['Content-Length: 5'])),
      ...turn(ask('HEAD'), answer([CHUNKED])),
      ...turn(ask('HEAD'), answer(['Server: x'])),
      ...turn(get, head('HTTP/1.1 304 Not Modified', 'Content-Length: 5')),
      ...turn(get, head('HTTP/1.1 304 Not Modified', CHUNKED)),
      ...turn(get, head('HTTP/1.1 204 No Content', 'Server: x')),
      ...turn(get),
    ],
    '1xx before the answer': [
      ...turn(
        get,
        `${head('HTTP/1.1 102 Processing')}${head('HTTP/1.1 103 Early Hints', 'Link: </a>', 'Link: </b>')}${OK}`,
      ),
      ...turn(get),
    ],
    '1xx, and the answer later': [
      ...turn(get, head('HTTP/1.1 103 Early Hints', 'Link: </a>')),
      { target: head('HTTP/1.1 103 Early Hints', 'Link: </b>') },
      { target: OK },
    ],
    '426 with the protocols it asks for': [
      ...turn(
        get,
        head(
          'HTTP/1.1 426 Upgrade Required',
          'Upgrade: TLS/1.2, HTTP/2.0',
          'Connection: Upgrade',
          'Content-Length: 0',
        ),
      ),
      ...turn(get),
    ],

    'not understood: LF without CR': ended('HTTP/1.1 200 OK\nContent-Length: 2\n\nok, and more'),
    'not understood: a folded line': ended(answer(['X: a', ' b', 'Content-Length: 2'], 'ok, and more')),
    'not understood: a line that is no field': ended(answer(['X', 'Content-Length: 2'], 'ok, and more')),
    'not understood: a length that is none': ended(answer(['Content-Length: two'], 'ok, and more')),
    'not understood: lengths that differ': ended(
      answer(['Content-Length: 2', 'Content-Length: 3'], 'ok, and more'),
    ),
    'not understood: chunks that are none': ended(answer([CHUNKED], '2\r\nok\r\nnone\r\nand more')),
    'not understood: another protocol': ended(`${head('ICY 200 OK', 'icy-name: x')}${LARGE}`),
  };
}
