import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { ProxyAgent, WebSocket as ProxiedWebSocket } from 'undici';
import { expect, test } from 'vitest';

import { startDaemon } from '../helpers/daemon.ts';
import { startDoor } from '../helpers/front-end.ts';
import { httpServer } from '../helpers/http-server.ts';
import { startNginx } from '../helpers/nginx.ts';
import { temporaryDirectory } from '../helpers/program.ts';
import { asLast, expectFaithful, startRecordedDoor } from '../helpers/recorder.ts';
import { run } from '../helpers/run.ts';
import { closedPort, readAll, readSome, tcpClient, tcpServer } from '../helpers/sockets.ts';
import { startWebSocketServer } from '../helpers/websocket-server.ts';

const MODES = ['tcp', 'http-proxy'] as const;
type Mode = (typeof MODES)[number];

const GREETING = 'Hello from the other side of the door.\n';
/** Curl sends larger content than 1 MiB only when it has been told to continue. */
const LARGE = 'All work and no play.\n'.repeat(60_000);

/** nginx as a file server that takes uploads. */
async function startFileServer() {
  const directory = temporaryDirectory();
  const port = await closedPort();
  const root = join(directory, 'root');
  mkdirSync(root);
  writeFileSync(join(root, 'greeting'), GREETING);
  writeFileSync(join(root, 'large'), LARGE);
  await startNginx(
    directory,
    `
      access_log off;
      server {
        listen 127.0.0.1:${port};
        server_name localhost;
        root ${root};
        default_type text/plain;
        client_max_body_size 0;
        gzip on;
        gzip_types text/plain;
        gzip_proxied any;
        gzip_min_length 1;
        location /uploads/ { dav_methods PUT; create_full_put_path on; }
        # A request that is passed on has been read to its end; \`return\` answers before its content is there.
        location = /echo { proxy_pass http://127.0.0.1:${port}/thanks; proxy_set_header Host localhost; }
        location = /thanks { return 200 'Thanks.\\n'; }
        location = /nothing { return 204; }
      }
      server { listen 127.0.0.1:${port} default_server; return 421; }`,
  );
  return { port, upload: (name: string) => readFileSync(join(root, 'uploads', name), 'latin1') };
}

/** What becomes of requests, as docs/name-check.md says. The clients here send these fields in this order. */
const EDITS: Readonly<Record<Mode, (sent: string) => string>> = {
  tcp: (sent) =>
    asLast(sent).replaceAll(
      /^Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: .*\r\n/gm,
      '',
    ),
  'http-proxy': (sent) =>
    EDITS.tcp(sent)
      .replaceAll(/^([A-Z]+) http:\/\/localhost:\d+/gm, '$1 ')
      .replaceAll(/^(?:Proxy-)?Connection: keep-alive\r\n/gim, '')
      .replaceAll(/^host: /gm, 'Host: ')
      .replaceAll(/^([A-Z]+ .* HTTP\/(1\..)\r\n(?:.+\r\n)+)\r\n/gm, '$1Via: $2 sallyport\r\n\r\n'),
};

/** What curl is told, and what it prints; `{}` stands for the server's URL. */
interface Errand {
  readonly args: readonly string[];
  readonly prints: unknown;
  readonly input?: string;
  /** Whether the answer comes before all has been sent. */
  readonly isCut?: boolean;
}

const status = ['--output', '/dev/null', '--write-out', '%{http_code}'];
const uploaded = ['--output', '/dev/null', '--write-out', '%{http_code} %{size_upload}'];
/** Longer than curl may take: it fails if it is not told. */
const waiting = [...uploaded, '--expect100-timeout', '60'];
const etag = (option: string) => [option, 'etag', '{}/greeting'];

/** What is too long to be shown is told apart by its hash. */
function shown(text: string): string {
  if (text.length < 1_000) return text;
  return `${text.length} characters: ${createHash('sha256').update(text).digest('hex')}`;
}

const ERRANDS: Readonly<Record<string, Errand>> = {
  'HTTP/1.0': { args: ['--http1.0', '{}/greeting'], prints: GREETING },
  'HTTP/1.1': { args: ['--http1.1', '{}/greeting'], prints: GREETING },
  'an offer of h2c': {
    args: ['--http2', '--write-out', '%{http_version}', '{}/greeting'],
    prints: `${GREETING}1.1`,
  },
  'an offer of h2c with content': {
    args: ['--http2', '--write-out', '%{http_version}', '--data', 'a=b\n', '{}/echo'],
    prints: 'Thanks.\n1.1',
  },
  HEAD: {
    args: ['--head', '{}/greeting'],
    prints: expect.stringMatching(/^HTTP\/1\.1 200 OK\r\n(.+\r\n)+\r\n$/),
  },
  'a missing file': { args: [...status, '{}/missing'], prints: '404' },
  'a range': { args: ['--range', '6-9', '{}/greeting'], prints: GREETING.slice(6, 10) },
  'the end of a large file': { args: ['--range', '-11', '{}/large'], prints: LARGE.slice(-11) },
  'several ranges': {
    args: ['--range', '0-4,10-13', '{}/greeting'],
    prints: expect.stringMatching(
      /^\r\n--(\d+)\r\n(?:.+\r\n)+\r\nHello\r\n--\1\r\n(?:.+\r\n)+\r\n the\r\n--\1--\r\n$/,
    ),
  },
  'a large file': { args: ['{}/large'], prints: shown(LARGE) },
  'content that is compressed as it goes': {
    args: ['--compressed', '--write-out', '%header{content-encoding}', '{}/large'],
    prints: shown(`${LARGE}gzip`),
  },
  'chunks as they come': {
    args: ['--raw', '--header', 'Accept-Encoding: gzip', '{}/greeting'],
    prints: expect.stringMatching(/^[\da-f]+\r\n/),
  },
  '204': { args: [...status, '{}/nothing'], prints: '204' },
  '304': {
    args: [
      ...etag('--etag-save'),
      '--next',
      ...etag('--etag-compare'),
      '--silent',
      '--write-out',
      '%{http_code}',
    ],
    prints: `${GREETING}304`,
  },
  'two files on one connection': {
    args: ['--write-out', '%{num_connects}', '{}/greeting', '{}/greeting'],
    prints: `${GREETING}1${GREETING}0`,
  },
  'a form': { args: ['--data', 'a=b\n', '{}/echo'], prints: 'Thanks.\n' },
  'a form, and a file behind it': {
    args: ['--data', 'a=b\n', '{}/echo', '--next', '--silent', '{}/greeting'],
    prints: `Thanks.\n${GREETING}`,
  },
  'an upload': {
    args: [...uploaded, '--upload-file', 'small', '{}/uploads/1'],
    prints: `201 ${GREETING.length}`,
  },
  'an upload that waits to be told to continue': {
    args: [...waiting, '--upload-file', 'big', '{}/uploads/2'],
    prints: `201 ${LARGE.length}`,
  },
  'a small upload that waits to be told to continue': {
    args: [...waiting, '--header', 'Expect: 100-continue', '--upload-file', 'small', '{}/uploads/3'],
    prints: `201 ${GREETING.length}`,
  },
  'an upload in chunks': {
    args: [...status, '--expect100-timeout', '60', '--upload-file', '-', '{}/uploads/4'],
    input: LARGE,
    prints: '201',
  },
  'an upload that is answered early': {
    args: [...status, '--header', 'Expect:', '--upload-file', 'big', '{}/nothing'],
    prints: '204',
    isCut: true,
  },
};

test.each(MODES)(
  'MODE=%s: curl: what left the door is what came, and curl is content with it',
  async (mode) => {
    const server = await startFileServer();
    const door = await startRecordedDoor(server.port, { MODE: mode });
    const home = temporaryDirectory();
    writeFileSync(join(home, 'small'), GREETING);
    writeFileSync(join(home, 'big'), LARGE);
    const common = ['--silent', '--show-error', '--max-time', '10'];
    const env = {
      PATH: process.env['PATH'],
      HOME: home,
      ...(mode === 'http-proxy' && { http_proxy: door.proxy }),
    };

    const errands = Object.entries(ERRANDS);
    const outcomes: Record<string, unknown> = {};
    for (const [what, { args, input = '', isCut = false }] of errands) {
      const aimed = args.map((argument) => argument.replace('{}', door.url('')));
      const { stdout } = await run('curl', [...common, ...aimed], { cwd: home, env, input });
      const { sent } = await expectFaithful(door, { sent: EDITS[mode], isCut });
      outcomes[what] = [shown(stdout), sent.includes('\r\nUpgrade: h2c\r\n')];
    }
    const expected = errands.map(([what, { args, prints }]) => [what, [prints, args.includes('--http2')]]);
    expect(outcomes).toEqual(Object.fromEntries(expected));
    const uploads = [GREETING, LARGE, GREETING, LARGE];
    expect(uploads.map((_, i) => server.upload(`${i + 1}`) === uploads[i])).toEqual(uploads.map(() => true));
    expect(door.relay.lines.filter(({ level }) => level !== 'info')).toEqual([]);
  },
);

/** Sends the messages one by one, each when the one before it has been echoed; what came, and the code with which it was closed. */
async function converse(socket: WebSocket | ProxiedWebSocket, messages: readonly string[]) {
  const received: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  socket.addEventListener('message', ({ data }) => {
    const next = messages[received.push(String(data)) - 1];
    if (next === undefined) socket.close(1_000);
    else socket.send(next);
  });
  socket.addEventListener('error', () => reject(new Error('the WebSocket failed')));
  socket.addEventListener('close', ({ code }) => resolve(code));
  return { code: await promise, received };
}

/** With which a client opens a tunnel, and the door's own answer to it. */
const CONNECT = /^CONNECT .*\r\n(?:.+\r\n)+\r\n/gm;
const CONNECTED = /^HTTP\/1\.1 200 .*\r\n\r\n/gm;

test.each(['through the door', 'as a proxy', 'as a proxy, in a tunnel'])(
  'a WebSocket opens %s',
  async (way) => {
    const isDirect = way === 'through the door';
    const isTunnel = way === 'as a proxy, in a tunnel';
    const server = await startWebSocketServer(GREETING);
    const door = await startRecordedDoor(server, isDirect ? {} : { MODE: 'http-proxy' });
    const url = door.url('/').replace('http', 'ws');
    const proxy = new ProxyAgent({ uri: door.proxy, proxyTunnel: isTunnel });
    const socket = isDirect ? new WebSocket(url) : new ProxiedWebSocket(url, { dispatcher: proxy });

    const messages = ['one', 'é'.repeat(100), LARGE.slice(0, 100_000), 'last'];
    expect(await converse(socket, messages)).toEqual({ code: 1_000, received: [GREETING, ...messages] });
    const { sent } = await expectFaithful(door, {
      sent: (text) => (isTunnel ? text.replace(CONNECT, '') : EDITS[isDirect ? 'tcp' : 'http-proxy'](text)),
      received: (text) => (isTunnel ? text.replace(CONNECTED, '') : text),
    });
    expect(sent.startsWith('CONNECT ')).toBe(isTunnel);
    expect(door.relay.lines.filter(({ level }) => level !== 'info')).toEqual([]);
  },
);

test('curl opens a tunnel and uploads within', async () => {
  const server = await startFileServer();
  const door = await startRecordedDoor(server.port, { MODE: 'http-proxy' });
  const tunnel = ['--silent', '--show-error', '--proxytunnel', '--proxy', door.proxy];
  const form = ['--data', 'a=b\n', door.url('/echo'), '--next'];
  const { output } = await run('curl', [...tunnel, ...form, ...tunnel, door.url('/greeting')]);
  expect(output).toBe(`Thanks.\n${GREETING}`);
  await expectFaithful(door, {
    sent: (text) => EDITS.tcp(text.replace(CONNECT, '')),
    received: (text) => text.replace(CONNECTED, ''),
  });
});

/** For how long a server sends events: set it to stream for minutes. By default longer than an idle client, or a head, may take. */
const SSE_SECONDS = Number(process.env['SSE_SECONDS'] ?? 6);
const SSE_INTERVAL = 250;

/** Streams events through a door, each when the one before it has come and the interval is over; how many were sent, and what the client printed. */
async function streamEvents(mode: Mode) {
  const { promise, resolve } = Promise.withResolvers<ServerResponse>();
  const server = await httpServer((http) => http.once('request', (_, response) => resolve(response)));
  const door = await startRecordedDoor(server, { MODE: mode, IDLE_TIMEOUT_MS: `${SSE_INTERVAL * 8}` });
  const proxied = mode === 'tcp' ? [] : ['--proxy', door.proxy];
  const accept = ['--no-buffer', '--silent', '--show-error', '--header', 'Accept: text/event-stream'];
  void promise.then((response) =>
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('retry: 10\n\n'),
  );
  const client = await startDaemon('curl', [...accept, ...proxied, door.url('/events')], { ready: 'retry' });
  const response = await promise;
  let sent = 0;
  for (const end = performance.now() + SSE_SECONDS * 1_000; performance.now() < end;) {
    response.write(`data: ${++sent}\n\n`);
    await Promise.all([client.said(`data: ${sent}\n`), setTimeout(SSE_INTERVAL)]);
  }
  response.end();
  await expectFaithful(door, { sent: EDITS[mode] });
  return { sent, printed: client.output() };
}

test(
  `server-sent events come as they are sent, for ${SSE_SECONDS} s`,
  { timeout: SSE_SECONDS * 1_000 + 20_000 },
  async () => {
    for (const { sent, printed } of await Promise.all(MODES.map(streamEvents))) {
      expect(sent).toBeGreaterThan(SSE_SECONDS);
      const events = Array.from({ length: sent }, (_, i) => `data: ${i + 1}\n\n`);
      expect(printed).toBe(`retry: 10\n\n${events.join('')}`);
    }
  },
);

test.each([
  ['exec', 'POST /v1.41/exec/1f/start HTTP/1.1', '{"Detach":false,"Tty":false}'],
  ['attach', 'POST /v1.41/containers/1f/attach?stderr=1&stdin=1&stdout=1&stream=1 HTTP/1.1', ''],
])("Docker's hijacked connection: %s is raw both ways, to the end of each", async (_, line, content) => {
  const fields = [
    'Host: localhost',
    'User-Agent: Docker-Client/28.2.2 (linux)',
    `Content-Length: ${content.length}`,
    'Connection: Upgrade',
    'Content-Type: application/json',
    'Upgrade: tcp',
  ].join('\r\n');
  const isLast = content.length > 0;
  const arrives = `${line}\r\n${isLast ? 'Connection: close\r\n' : ''}${fields}\r\n\r\n${content}`;
  const answer =
    'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n';
  const prompt = '\x01\0\0\0\0\0\0\x02$ ';
  const goodbye = '\x01\0\0\0\0\0\0\x04bye\n';
  let arrived = Promise.resolve('');
  const { port } = await tcpServer((socket) => {
    arrived = (async () => {
      const request = await readSome(socket, arrives.length);
      socket.write(answer + prompt, 'latin1');
      const input = await readAll(socket);
      socket.end(goodbye, 'latin1');
      return Buffer.concat([request, input]).toString('latin1');
    })();
  });
  const door = await startRecordedDoor(port);

  const client = await tcpClient(door.port);
  client.write(`${line}\r\n${fields}\r\n\r\n${content}`);
  const first = await readSome(client, answer.length + prompt.length);
  expect(first.toString('latin1')).toBe(answer + prompt);
  // Standard input is closed before the command has printed all.
  client.end('exit\n');
  expect((await readAll(client)).toString('latin1')).toBe(goodbye);
  expect(await arrived).toBe(`${arrives}exit\n`);
});

test.each(MODES)('MODE=%s: ab has all its requests answered', async (mode) => {
  const server = await startFileServer();
  const door = await startRecordedDoor(server.port, { MODE: mode });
  const home = temporaryDirectory();
  writeFileSync(join(home, 'form'), 'a=b\n');
  const proxied = mode === 'tcp' ? [] : ['-X', new URL(door.proxy).host];
  const ab = async (requests: number, ...args: readonly string[]) => {
    const { output } = await run('ab', ['-q', '-k', '-n', `${requests}`, '-c', '8', ...proxied, ...args], {
      cwd: home,
    });
    await expectFaithful(door, { sent: EDITS[mode], isOrdered: false });
    const count = (what: string) => Number(new RegExp(`^${what}: +(\\d+)`, 'm').exec(output)?.[1] ?? 0);
    const counts = ['Complete requests', 'Failed requests', 'Non-2xx responses', 'Keep-Alive requests'].map(
      count,
    );
    return counts;
  };
  // A proxy keeps no connection of HTTP/1.0.
  expect(await ab(1_000, door.url('/greeting'))).toEqual([1_000, 0, 0, mode === 'tcp' ? 1_000 : 0]);
  expect(await ab(200, '-p', 'form', '-T', 'text/plain', door.url('/echo'))).toEqual([200, 0, 0, 0]);
  expect(door.relay.lines.filter(({ level }) => level !== 'info')).toEqual([]);
});

test.each([1, 16, 64])(
  'wrk has all its requests answered, %i at a time on each connection',
  async (depth) => {
    const server = await startFileServer();
    const { relay, plain } = await startDoor(
      { httpPort: server.port, tlsPort: await closedPort(), tenants: { localhost: '127.0.0.1' } },
      { TARGET: 'localhost', NAME_CHECK: 'enforce' },
    );
    const script = join(temporaryDirectory(), 'pipeline.lua');
    writeFileSync(
      script,
      `
      init = function() batch = string.rep(wrk.format(), ${depth}) end
      request = function() return batch end`,
    );
    const args = ['--threads', '1', '--connections', '8', '--duration', '1s', '--script', script];
    const { code, output } = await run('wrk', [...args, `http://localhost:${plain}/greeting`]);
    expect([code, output]).toEqual([0, expect.not.stringMatching(/Socket errors|Non-2xx/)]);
    expect(Number(/(\d+) requests in/.exec(output)?.[1])).toBeGreaterThan(1_000);
    expect(relay.lines.filter(({ level }) => level !== 'info')).toEqual([]);
  },
);
