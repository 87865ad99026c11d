import type { ClientStep } from '../exchange.ts';
import { answerExchanges } from './answers.ts';
import { answer, CHUNKED, type Exchanges, head, inChunks, LARGE, OBS_TEXT, OK, turn } from './text.ts';

const CLOSE = 'Connection: close';
const FORM = 'Content-Length: 3';
const VIA = 'Via: 1.1 sallyport';
const SWITCHING = head('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket');
const RAW = `\x81\x05hello${OBS_TEXT}${head('GET / HTTP/1.1', 'Host: bad.test')}`;

/** Requests through a forward proxy to api.test and www.test on this port. */
export function proxyExchanges(port: number): Exchanges {
  const authority = `api.test:${port}`;
  const url = `http://${authority}`;
  const host = `Host: ${authority}`;

  /** A request with these fields behind Host, all of which arrive if it is not said which. */
  const asked = (line: string, fields: readonly string[], arrive = fields): ClientStep => ({
    client: head(line.replace(' /', ` ${url}/`), host, ...fields),
    arrives: head(line, host, ...arrive, VIA),
  });
  const got = (fields: readonly string[], arrive = fields) => asked('GET / HTTP/1.1', fields, arrive);
  /** A request with another target than it arrives with. */
  const aimed = (line: string, arrives: string) =>
    turn({ client: head(line, host), arrives: head(arrives, host, VIA) });
  const uploaded = (fields: readonly string[], content: string, arrive = fields): ClientStep => ({
    client: `${head(`POST ${url}/ HTTP/1.1`, host, ...fields)}${content}`,
    arrives: `${head('POST / HTTP/1.1', CLOSE, host, ...arrive, VIA)}${content}`,
  });
  const GET = got([]);
  const get = GET.client;
  const connect = { client: head(`CONNECT ${authority} HTTP/1.1`, host), arrives: '' };
  const within = head('GET / HTTP/1.1', host);
  const form = `${head('POST / HTTP/1.1', host, FORM)}a=b`;
  /** The proxy itself says that it is open. */
  const opened = { target: '', arrives: head('HTTP/1.1 200 Connection Established') };
  const tunnel = [connect, opened];

  return {
    ...answerExchanges((method) => asked(`${method} / HTTP/1.1`, [])),

    'path and query': aimed(`GET ${url}/a/b?c=d&e HTTP/1.1`, 'GET /a/b?c=d&e HTTP/1.1'),
    'no path': aimed(`GET ${url} HTTP/1.1`, 'GET / HTTP/1.1'),
    'a query without a path': aimed(`GET ${url}?c=d/e HTTP/1.1`, 'GET /?c=d/e HTTP/1.1'),
    'a target with a URL within': aimed(
      `GET ${url}/http://bad.test/ HTTP/1.1`,
      'GET /http://bad.test/ HTTP/1.1',
    ),
    'a target with bytes from 0x80 on': aimed(`GET ${url}/${OBS_TEXT} HTTP/1.1`, `GET /${OBS_TEXT} HTTP/1.1`),
    'a scheme in another case': aimed(`GET HTTP://${authority}/ HTTP/1.1`, 'GET / HTTP/1.1'),
    'OPTIONS without a path': aimed(`OPTIONS ${url} HTTP/1.1`, 'OPTIONS * HTTP/1.1'),
    'OPTIONS with a path': aimed(`OPTIONS ${url}/ HTTP/1.1`, 'OPTIONS / HTTP/1.1'),
    'a rare method': aimed(`M-SEARCH ${url}/ HTTP/1.1`, 'M-SEARCH / HTTP/1.1'),

    'another Host, in its place': turn({
      client: head(`GET ${url}/ HTTP/1.1`, 'A: 1', 'hOST:www.test', 'B: 2'),
      arrives: head('GET / HTTP/1.1', 'A: 1', host, 'B: 2', VIA),
    }),
    'a host in another case': turn({
      client: head(`GET http://API.test.:${port}/ HTTP/1.1`, 'A: 1', host),
      arrives: head('GET / HTTP/1.1', 'A: 1', `Host: API.test.:${port}`, VIA),
    }),
    'HTTP/1.0 without Host': turn({
      client: head(`GET ${url}/ HTTP/1.0`, 'A: 1'),
      arrives: head('GET / HTTP/1.0', host, 'A: 1', 'Via: 1.0 sallyport'),
    }),
    'fields in odd cases and with odd spaces': turn(
      got([
        'ACCEPT:*/*',
        'X-None:',
        'x-tabs:\t\ta\tb\t',
        'X-Spaces:   a  b  ',
        `X: ${OBS_TEXT}`,
        "!#$%&'*+.^_`|~0: x",
      ]),
    ),
    '990 fields': turn(got(Array.from({ length: 990 }, (_, i) => `X-${i}: ${i}`))),
    'fields of others': turn(
      got(['via: 1.0 a, 1.1 b', 'Keep-Alive: timeout=5', 'TE: trailers', 'Proxy-Authenticate: Basic']),
    ),
    'fields for proxies': turn(
      got(
        [
          'Proxy-Connection: keep-alive',
          'A: 1',
          'proxy-authorization:Basic YQ==',
          'PROXY-CONNECTION: close',
          'B: 2',
        ],
        ['A: 1', 'B: 2'],
      ),
    ),
    'fields of the hop': turn(
      got(
        [
          'A: 1',
          'connection: keep-alive, X-Foo',
          'Keep-Alive: timeout=5',
          'x-foo:1',
          'TE: trailers',
          'Connection:TE',
          'X-FOO: 2',
          'B: 2',
        ],
        ['A: 1', 'B: 2'],
      ),
    ),
    'a request that closes': turn(got([CLOSE], [])),
    'Max-Forwards of TRACE and OPTIONS': [
      ...turn(asked('TRACE / HTTP/1.1', ['max-forwards:10'], ['max-forwards:9'])),
      ...turn(asked('OPTIONS / HTTP/1.1', ['Max-Forwards: 1'], ['Max-Forwards: 0'])),
    ],
    'Max-Forwards of GET': turn(got(['Max-Forwards: 0'])),

    'requests one after the other': Array.from({ length: 5 }, () => turn(GET)).flat(),
    'pipelined requests': turn({ client: get.repeat(3), arrives: `${GET.arrives}`.repeat(3) }, OK.repeat(3)),
    'empty lines before requests': [
      ...turn({ ...GET, client: `\r\n${get}` }),
      ...turn({ ...GET, client: `\r\n\r\n${get}` }),
    ],
    'requests for several names': [
      ...turn(GET),
      ...turn({
        client: head(`GET http://www.test:${port}/ HTTP/1.1`, 'Host: www.test'),
        arrives: head('GET / HTTP/1.1', `Host: www.test:${port}`, VIA),
        isNew: true,
      }),
    ],

    'a form': turn(uploaded([FORM], 'a=b')),
    'a form in chunks': turn(
      uploaded([CHUNKED, 'Trailer: X-Sum'], '1;x\r\na\r\n2\r\n=b\r\n0\r\nX-Sum: 1\r\n\r\n'),
    ),
    'a large form': turn(uploaded([`Content-Length: ${LARGE.length}`], LARGE)),
    'a large form in chunks': turn(uploaded([CHUNKED], inChunks(LARGE, 70_000))),
    'a form, and fields of the hop': turn(
      uploaded(
        ['Connection: keep-alive, X-Foo', 'Keep-Alive: 5', 'X-Foo: 1', FORM, 'Proxy-Connection: close'],
        'a=b',
        [FORM],
      ),
    ),
    'a form that waits to be told to continue': [
      ...turn(uploaded(['Expect: 100-continue', FORM], ''), head('HTTP/1.1 100 Continue')),
      ...turn('a=b'),
    ],
    'requests behind forms': [
      ...turn(uploaded([FORM], 'a=b')),
      ...turn({ ...GET, isNew: true }),
      ...turn(uploaded([FORM], 'c=d'), answer([CLOSE, 'Content-Length: 2'], 'ok')),
    ],

    'another protocol': [
      ...turn(got(['connection:UPGRADE', 'Upgrade: websocket']), `${SWITCHING}${RAW}`),
      ...turn(RAW, RAW),
    ],
    'another protocol, and fields of the hop': [
      ...turn(
        got(
          ['Connection: keep-alive, Upgrade, X-Foo', 'X-Foo: 1', 'Upgrade: websocket'],
          ['Connection: Upgrade', 'Upgrade: websocket'],
        ),
        SWITCHING,
      ),
      ...turn(RAW, RAW),
    ],
    'another protocol, and content': [
      ...turn(
        uploaded(['Connection: Upgrade', 'Upgrade: tcp', FORM], 'a=b'),
        `${head('HTTP/1.1 101 UPGRADED', 'Upgrade: tcp')}${RAW}`,
      ),
      ...turn(RAW, RAW),
    ],
    'an offer of h2c': turn(
      got(['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMA', 'A: 1'], ['A: 1']),
    ),

    'a tunnel': [...tunnel, ...turn(within), ...turn(within)],
    'a tunnel without Host': [
      { client: head(`CONNECT ${authority} HTTP/1.1`), arrives: '' },
      opened,
      ...turn(within),
    ],
    'a tunnel, and a form within': [
      ...tunnel,
      ...turn({ client: form, arrives: form.replace('\r\n', `\r\n${CLOSE}\r\n`) }),
    ],
    'a tunnel, and another protocol within': [
      ...tunnel,
      ...turn(head('GET / HTTP/1.1', host, 'Connection: Upgrade', 'Upgrade: websocket'), SWITCHING),
      ...turn(RAW, RAW),
    ],
    'a tunnel behind a request': [...turn(GET), { ...connect, isNew: true }, opened, ...turn(within)],
  };
}
