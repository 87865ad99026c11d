import type { ClientStep } from '../exchange.ts';
import { answerExchanges } from './answers.ts';
import { answer, CHUNKED, type Exchanges, head, HOST, inChunks, LARGE, OBS_TEXT, OK, turn } from './text.ts';

const GET = get();
const CLOSE = 'Connection: close';
const FORM = 'Content-Length: 3';
const WEBSOCKET = get('Connection: keep-alive, Upgrade', 'Upgrade: websocket');
const SWITCHING = head('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket');
/** What nobody reads as HTTP any more. */
const RAW = `\x81\x05hello${OBS_TEXT}${head('GET / HTTP/1.1', 'Host: bad.test')}`;

function get(...fields: readonly string[]): string {
  return head('GET / HTTP/1.1', HOST, ...fields);
}

/** A request with content: the fields behind Host as they are sent and, if they differ, as they arrive. */
function upload(fields: readonly string[], content: string, arrive = fields): ClientStep {
  const line = 'POST /form HTTP/1.1';
  return {
    client: `${head(line, HOST, ...fields)}${content}`,
    arrives: `${head(line, CLOSE, HOST, ...arrive)}${content}`,
  };
}

/** A request whose offer of another protocol does not arrive. */
function offer(fields: readonly string[], arrive: readonly string[]): ClientStep {
  return { client: get(...fields), arrives: get(...arrive) };
}

const FORM_IN_CHUNKS = upload([CHUNKED], inChunks('a=b', 1));

/** Requests through a door to api.test and www.test on this port. */
export function doorExchanges(port: number): Exchanges {
  return {
    ...answerExchanges((method) => ({ client: head(`${method} / HTTP/1.1`, HOST) })),
    ...HEADS,
    ...SEQUENCES,
    ...CONTENT,
    ...SWITCHES,
    ...tunnels(port),
  };
}

const HEADS: Exchanges = {
  'fields in odd cases and with odd spaces': turn(
    head(
      'GET / HTTP/1.1',
      'hOST:api.test',
      'ACCEPT:*/*',
      'X-None:',
      'x-tabs:\t\ta\tb\t',
      'X-Spaces:   a  b  ',
      "!#$%&'*+.^_`|~0: x",
    ),
  ),
  'a host in another case, with a dot and a port': turn(head('GET / HTTP/1.1', 'Host: API.Test.:1234')),
  'bytes from 0x80 on': turn(head(`GET /${OBS_TEXT}?${OBS_TEXT} HTTP/1.1`, HOST, `X: ${OBS_TEXT}`)),
  'all of visible ASCII in a target': turn(
    head(
      `GET /${Array.from({ length: 94 }, (_, i) => String.fromCodePoint(33 + i)).join('')} HTTP/1.1`,
      HOST,
    ),
  ),
  '990 fields': turn(get(...Array.from({ length: 990 }, (_, i) => `X-${i}: ${i}`))),
  'several fields of a name': turn(get('Cookie: a=1', 'Cookie: b=2', 'cookie: c=3')),
  'a head of 60 kB': turn(get(`X: ${'x'.repeat(60_000)}`)),
  'rare methods': ['gEt', 'LIST', 'VERSION-CONTROL', 'M-SEARCH', 'PROPFIND', "!#$%&'*+.^_`|~"].flatMap(
    (method) => turn(head(`${method} / HTTP/1.1`, HOST)),
  ),
  'an absolute target': turn(head('GET http://api.test/path?query HTTP/1.1', 'Host: api.test:80')),
  'an absolute target without Host': turn(head('GET HTTP://API.test/ HTTP/1.0')),
  'OPTIONS *': turn(head('OPTIONS * HTTP/1.1', HOST)),
  'Connection in odd ways': turn(
    get(
      'connection:Keep-Alive',
      'Connection: , TE,, x-foo ,',
      'Keep-Alive: timeout=5',
      'TE: trailers',
      'X-Foo: 1',
    ),
  ),
  'fields for proxies': turn(
    get('Proxy-Connection: keep-alive', 'Proxy-Authorization: Basic YQ==', 'Via: 1.1 x', 'Max-Forwards: 0'),
  ),
  'a Trailer field without chunks': turn(get('Trailer: X-Sum')),
  'HTTP/1.0': turn(head('GET / HTTP/1.0', HOST), `${head('HTTP/1.0 200 OK')}ok`, { ends: true }),
  'HTTP/1.0 with an Upgrade, which means nothing there': turn(
    head('GET / HTTP/1.0', HOST, 'Connection: Upgrade', 'Upgrade: websocket'),
  ),
};

const SEQUENCES: Exchanges = {
  'requests one after the other': Array.from({ length: 5 }, () => turn(GET)).flat(),
  'HTTP/1.0 that is kept': [
    ...turn(
      head('GET / HTTP/1.0', 'Connection: Keep-Alive', HOST),
      answer(['Connection: keep-alive', 'Content-Length: 2'], 'ok'),
    ),
    ...turn(head('GET / HTTP/1.0', HOST)),
  ],
  'a request that closes': turn(get(CLOSE), answer([CLOSE, 'Content-Length: 2'], 'ok')),
  'a FIN behind a request': [{ client: GET, ends: true }, { target: OK }],
  'a FIN behind a request, and an answer without a length': [
    { client: GET, ends: true },
    { target: answer([], LARGE), ends: true },
  ],
  'empty lines before requests': [
    ...turn({ client: `\r\n\r\n${GET}`, arrives: GET }),
    ...turn({ client: `\r\n${GET}`, arrives: GET }),
  ],
  'pipelined requests': turn(
    `${GET}${head('HEAD / HTTP/1.1', HOST)}${GET}${GET}`,
    `${OK}${answer(['Content-Length: 2'])}${answer([CHUNKED], inChunks('ok', 1))}${OK}`,
  ),
  'more pipelined requests than are sent at a time': [
    ...turn({ client: GET.repeat(20), arrives: GET.repeat(16) }, OK.repeat(16)),
    ...turn({ client: '', arrives: GET.repeat(4) }, OK.repeat(4)),
  ],
  'pipelined requests, the last of which closes': turn(`${GET}${get(CLOSE)}`, `${OK}${OK}`),
  'requests for several names': [
    ...turn(GET),
    ...turn({ client: head('GET / HTTP/1.1', 'Host: www.test'), isNew: true }),
    ...turn({ client: GET, isNew: true }),
  ],
  'pipelined requests for several names': [
    ...turn({ client: `${GET}${head('GET / HTTP/1.1', 'Host: www.test')}${GET}`, arrives: GET }),
    ...turn({ client: '', arrives: head('GET / HTTP/1.1', 'Host: www.test'), isNew: true }),
    ...turn({ client: '', arrives: GET, isNew: true }),
  ],
};

const WAITING: ClientStep = {
  client: head('PUT / HTTP/1.1', HOST, 'Expect: 100-continue', FORM),
  arrives: head('PUT / HTTP/1.1', CLOSE, HOST, 'Expect: 100-continue', FORM),
};

const CONTENT: Exchanges = {
  'a length of 0': [...turn(head('POST / HTTP/1.1', HOST, 'Content-Length: 0')), ...turn(GET)],
  'a form': turn(upload([FORM], 'a=b')),
  'a form in chunks': turn(FORM_IN_CHUNKS),
  'no content in chunks': turn(upload([CHUNKED], '0\r\n\r\n')),
  'a form in chunks with extensions': turn(
    upload([CHUNKED], `3;a=b;c="d"\r\na=b\r\n0A;${OBS_TEXT}\r\n0123456789\r\n00;x\r\n\r\n`),
  ),
  'a form in chunks with trailers': turn(
    upload(['Trailer: X-Sum', CHUNKED], `3\r\na=b\r\n0\r\nX-Sum: 1\r\nx-odd:\t${OBS_TEXT} \r\n\r\n`),
  ),
  'a form in chunks of one byte': turn(upload([CHUNKED], inChunks(LARGE.slice(0, 2_000), 1))),
  'a large form': turn(upload([`Content-Length: ${LARGE.length}`], LARGE)),
  'a large form in chunks': turn(upload([CHUNKED], inChunks(LARGE, 70_000))),
  'a form that looks like a request': turn(upload([`content-length:${GET.length}`], GET)),
  'a form, and Connection in odd ways': turn(
    upload(
      [
        'connection:Keep-Alive',
        'CONNECTION: , close,x-foo ,KEEP-alive',
        'Keep-Alive: 5',
        'X-Foo: 1',
        'Connection: TE',
        FORM,
      ],
      'a=b',
      ['CONNECTION: x-foo', 'X-Foo: 1', 'Connection: TE', FORM],
    ),
  ),
  'a form that waits to be told to continue': [
    ...turn(WAITING, head('HTTP/1.1 100 Continue')),
    ...turn('a=b'),
  ],
  'a form that is not wanted': [
    WAITING,
    { target: answer([CLOSE, 'Content-Length: 2'], 'no'), isReset: true },
  ],
  'a form that is answered before it has come': [
    { client: head('PUT / HTTP/1.1', HOST, FORM), arrives: head('PUT / HTTP/1.1', CLOSE, HOST, FORM) },
    { target: head('HTTP/1.1 204 No Content'), isReset: true },
  ],
  'a FIN behind a form': [{ ...FORM_IN_CHUNKS, ends: true }, { target: OK }],
  'a form and its answer, piece by piece in turn': [
    ...turn(upload([CHUNKED], '1\r\na\r\n'), answer([CHUNKED], '1\r\na\r\n')),
    ...turn('2\r\n=b\r\n', '2\r\n=b\r\n'),
    ...turn('0\r\n\r\n', '0\r\n\r\n'),
  ],
  'requests behind forms': [
    ...turn(upload([FORM], 'a=b')),
    ...turn({ client: GET, isNew: true }),
    ...turn(FORM_IN_CHUNKS),
    ...turn({ ...upload([FORM], 'c=d'), isNew: true }, answer([CLOSE, 'Content-Length: 2'], 'ok')),
  ],
  'requests pipelined behind a form': [
    ...turn({ ...FORM_IN_CHUNKS, client: `${FORM_IN_CHUNKS.client}${GET}${GET}` }),
    ...turn({ client: '', arrives: `${GET}${GET}`, isNew: true }, `${OK}${OK}`),
  ],
};

const SWITCHES: Exchanges = {
  'another protocol': [
    ...turn(WEBSOCKET, `${SWITCHING}${RAW}`),
    ...turn(RAW, RAW),
    { client: RAW, ends: true },
    { target: RAW },
  ],
  'another protocol, of several': [
    ...turn(get('Connection: Upgrade', 'Upgrade: foo/1.0, bar', 'Upgrade: baz'), SWITCHING),
    ...turn(RAW, LARGE),
  ],
  'another protocol, with an answer that has no Connection': [
    ...turn(WEBSOCKET, `${head('HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket')}${RAW}`),
    ...turn(RAW, RAW),
  ],
  'another protocol that is not taken': [...turn(WEBSOCKET), ...turn(GET)],
  'another protocol behind 1xx': [
    ...turn(WEBSOCKET, `${head('HTTP/1.1 103 Early Hints')}${SWITCHING}`),
    ...turn(RAW, RAW),
  ],
  'another protocol behind a request': [
    ...turn(`${GET}${WEBSOCKET}`, `${OK}${SWITCHING}`),
    ...turn(RAW, RAW),
  ],
  'bytes right behind a request for another protocol': [
    ...turn({ client: `${WEBSOCKET}${RAW}`, arrives: WEBSOCKET }, SWITCHING),
    ...turn({ client: '', arrives: RAW }, RAW),
  ],
  'a request right behind one for another protocol that is not taken': [
    ...turn({ client: `${WEBSOCKET}${GET}`, arrives: WEBSOCKET }),
    ...turn({ client: '', arrives: GET }),
  ],
  'another protocol, and content': [
    ...turn(
      upload(['Connection: Upgrade', 'Upgrade: tcp', FORM], 'a=b'),
      `${head('HTTP/1.1 101 UPGRADED', 'Upgrade: tcp')}${RAW}`,
    ),
    ...turn(RAW, RAW),
  ],
  'an offer of h2c': turn(
    offer(['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMA'], []),
  ),
  'an offer of h2c among others': turn(
    offer(
      ['connection:keep-alive ,upgrade, X-Foo', 'UPGRADE: websocket, H2C', 'X-Foo: 1'],
      ['connection: keep-alive, X-Foo', 'X-Foo: 1'],
    ),
  ),
  'an offer of h2c in a second field': turn(
    offer(['Upgrade: websocket', 'Connection: upgrade', 'Upgrade: h2c', 'Accept: */*'], ['Accept: */*']),
  ),
  'an offer of TLS': turn(offer(['Upgrade: TLS/1.2', 'Connection: Upgrade'], [])),
  'an offer of HTTP/2': turn(offer(['Connection: Upgrade', 'Upgrade: HTTP/2.0'], [])),
  'an offer of h2c in HTTP/1.0': turn({
    client: head('GET / HTTP/1.0', HOST, 'Connection: Upgrade', 'Upgrade: h2c'),
    arrives: head('GET / HTTP/1.0', HOST),
  }),
  'an offer of h2c, and content': turn(
    upload(['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMA', FORM], 'a=b', [
      FORM,
    ]),
  ),
};

function tunnels(port: number): Exchanges {
  const connect = head(`CONNECT api.test:${port} HTTP/1.1`, `Host: api.test:${port}`);
  const opened = head('HTTP/1.1 200 Connected', 'Content-Length: 5');
  return {
    'a tunnel through the target': [...turn(connect, opened), ...turn(GET), ...turn(GET)],
    'a tunnel, and a form within': [...turn(connect, opened), ...turn(GET), ...turn(upload([FORM], 'a=b'))],
    'a tunnel that is not opened': [
      ...turn(connect, `${head('HTTP/1.1 405 Not Allowed', 'Content-Length: 2')}no`),
      ...turn(GET),
    ],
    'a tunnel, and another protocol within': [
      ...turn(connect, opened),
      ...turn(WEBSOCKET, SWITCHING),
      ...turn(RAW, RAW),
    ],
  };
}
