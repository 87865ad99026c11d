import { expect, test } from 'vitest';

import { type FrontEnd, startDoor, startFrontEnd } from '../helpers/front-end.ts';
import { startLaxFrontEnd } from '../helpers/lax-front-end.ts';
import { statusIn } from '../helpers/program.ts';
import { type Trick, TRICKS } from '../helpers/smuggling.ts';
import { readAll, tcpClient } from '../helpers/sockets.ts';

/** What is no trick in the end: served as one request for api.test, with all the rest in its content, or refused by itself. */
const SERVED: readonly string[] = [
  'CL.TE "Content-Encoding: chunked"',
  'CL.TE "TE: chunked"',
  'TE.CL "Content-Encoding: chunked"',
  'TE.CL "TE: chunked"',
  'TE.0',
  'TE "Transfer-Encoding:chunked"',
  'TE "Transfer-Encoding: CHUNKED"',
  'TE "transfer-ENCODING: chunked"',
  'TE "Content-Encoding: chunked"',
  'TE "TE: chunked"',
  'CL "Expect: 100-continue\\r\\nContent-Length: LENGTH"',
  'CL "Expect: 100-continue\\r\\nContent-Length: 0"',
  'CL "Content-Length: 0"',
  'CL "X: x"',
  'an extension of the last chunk',
  'another pipelined',
  'another pipelined, as a front end reads it',
  'another pipelined behind content',
  'another pipelined behind lines',
  'another pipelined behind garbage',
  'another pipelined behind a line of garbage',
  'another pipelined behind NULs',
  'another behind Connection: close',
  'another behind HTTP/1.0',
  'another behind HTTP/1.0 that is kept alive',
  'HTTP/0.9 behind a request',
  'HTTP/2 behind a request',
  'an upgrade to h2c',
  'an upgrade to h2c, not said to be of the hop',
  'an upgrade to h2c among others',
  'an upgrade to TLS',
  'an upgrade that the front end ignores',
  'an upgrade with content',
  'an upgrade with chunks',
  'GET with content',
  'GET with chunks',
  'HEAD with content',
  'TRACE with content',
  'OPTIONS with content',
  'DELETE with content',
  'other names for the host',
];
const CONNECT = 'CONNECT to the listed one, and another within';
/** What else is served by mode and front end: a proxy takes no origin-form, and sets Host anew; nginx says of CONNECT and of a method what it thinks. */
const SERVED_BY_MODE = {
  tcp: {
    strict: [...SERVED, 'a request in the path', 'a method of its own'],
    lax: [...SERVED, 'a request in the path', CONNECT],
  },
  'http-proxy': {
    strict: [...SERVED, 'an absolute target, and another Host', 'a method of its own', CONNECT],
    lax: [...SERVED, 'an absolute target, and another Host', CONNECT],
  },
};

/** The status of each answer to these bytes. The client leaves after the first one, and is to be left when nobody understands it. */
async function say(port: number, text: string): Promise<readonly number[]> {
  const client = await tcpClient(port);
  client.write(text, 'latin1');
  client.once('data', () => client.end());
  let heard = '';
  client.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
  await readAll(client).catch(() => {}); // a reset is an answer, too
  client.end();
  return [...heard.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

/** How the door is told of api.test: by TARGET and PORT, or by a rule of its own beside one of bad.test, for another port. */
const WAYS = ['names', 'rules'] as const;

/** Has each trick played on a relay to the front end, and tells which ones were served. */
async function playAll(
  mode: keyof typeof SERVED_BY_MODE,
  way: (typeof WAYS)[number],
  frontEnd: Pick<FrontEnd, 'tenants' | 'httpPort' | 'tlsPort'>,
) {
  const { httpPort, tlsPort } = frontEnd;
  const strict = { NAME_CHECK: 'enforce', MAX_CONNECTIONS: '0' };
  const door = await startDoor(frontEnd, ({ plain, tls, proxy }) =>
    way === 'names'
      ? { MODE: mode, ...strict }
      : {
          MODE: 'tcp http-proxy',
          TARGET: `api.test:${plain}:${httpPort} bad.test:${tls}:${tlsPort}`,
          PORT: '',
          LISTEN: `${proxy}`,
          ...strict,
        },
  );
  const target = httpPort;
  const lineOf = (method: string, host: string, path: string) =>
    mode === 'tcp'
      ? `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n`
      : `${method} http://${host}:${target}${path} HTTP/1.1\r\nHost: ${host}:${target}\r\n`;
  const play = async (trick: Trick, id: number): Promise<boolean> => {
    const [seen, smuggled] = [`/seen/${id}`, `/smuggled/${id}`];
    const text = trick({
      seen,
      smuggled,
      port: target,
      api: (method = 'GET') => lineOf(method, 'api.test', seen),
      bad: `${lineOf('GET', 'bad.test', smuggled)}\r\n`,
      hidden: `GET ${smuggled} HTTP/1.1\r\nHost: bad.test\r\n\r\n`,
    });
    const statuses = await say(mode === 'tcp' ? door.plain : door.proxy, text);
    return statuses.some((status) => status < 400 || status === 405);
  };
  const outcomes = await Promise.all(
    TRICKS.map(async ([what, trick], id) => ({ what, isServed: await play(trick, id) })),
  );

  expect(await play(({ api }) => `${api()}Connection: close\r\n\r\n`, TRICKS.length)).toBe(true);
  const live = async () => (await statusIn(door.relay.runDir)).ports.map((port) => port.live + port.waiting);
  await expect.poll(async () => Math.max(...(await live()))).toBe(0);
  expect(door.relay.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  return outcomes.filter(({ isServed }) => isServed).map(({ what }) => what);
}

const modes = Object.keys(SERVED_BY_MODE) as (keyof typeof SERVED_BY_MODE)[];

test.each(modes.flatMap((mode) => WAYS.map((way) => [mode, way] as const)))(
  'MODE=%s, %s: by no trick does a request for another tenant reach the front end, and the relay lives on',
  async (mode, way) => {
    const strict = await startFrontEnd();
    const lax = await startLaxFrontEnd();
    const startedAt = performance.now();
    const served = await Promise.all([
      playAll(mode, way, strict),
      playAll(mode, way, { ...strict, httpPort: lax.httpPort }),
    ]);
    // Some never come to the end of a head.
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    const expected = Object.values(SERVED_BY_MODE[mode]);
    expect(served.map((names) => names.toSorted())).toEqual(expected.map((names) => names.toSorted()));

    const requests = [
      ...(await strict.requests()).map(({ tenant, line }) => ({ host: tenant, path: line.split(' ')[1] })),
      ...lax.requests,
    ];
    expect(requests.length).toBeGreaterThan(2 * SERVED.length);
    // nginx knows no tenant of CONNECT, which it refuses.
    const isConnect = ({ path }: { path: string | undefined }) => path?.startsWith('api.test:') === true;
    expect(
      requests.filter(
        (request) =>
          !isConnect(request) &&
          !(/^api\.test(:\d+)?$/.test(request.host) && request.path?.startsWith('/seen/')),
      ),
    ).toEqual([]);
  },
);
