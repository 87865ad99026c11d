import { once } from 'node:events';
import { Agent, get } from 'node:http';

import { expect, onTestFinished, test } from 'vitest';

import { abortable } from '../../../src/lib/abortable.ts';
import { ResolveError } from '../../../src/lib/resolve-error.ts';
import { clientHello } from '../../helpers/client-hello.ts';
import { proxyTo, say, scriptedServer, webServer } from '../../helpers/http-relay.ts';
import { testLog } from '../../helpers/relay.ts';
import { closedPort, endOf, readAll, readSome, tcpClient, tcpServer } from '../../helpers/sockets.ts';

const CLOSE = 'Connection: close\r\n\r\n';
/** A head, its method and target, and how long its content is. */
const HEAD = /^(\S+ \S+) HTTP[^]*?(?:(?:Content-Length|Transfer-Encoding): (\S+)\r\n[^]*?)?\r\n\r\n/;

test('proxyHttp() sends a request in origin-form, with the Host of its URI, Via and no field of the hop, and its answer as it is', async () => {
  const fine =
    'HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX-B: 1\r\nX-b:2 \r\nDate: now\r\nKeep-Alive: timeout=1\r\n\r\nhello';
  const { port: target, heads } = await scriptedServer((socket) => socket.end(fine));
  const { port } = await proxyTo([target]);
  const answer = await say(
    port,
    `GET http://API.test:${target}/a?b HTTP/1.1\r\nX-A: \xe9\r\nhost: evil.test\r\nx-a:2 \r\nConnection: close, X-Drop, TE\r\n` +
      'X-Drop: 1\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\nTE: gzip\r\n\r\n',
  );
  expect(heads).toEqual([
    `GET /a?b HTTP/1.1\r\nX-A: \xe9\r\nHost: API.test:${target}\r\nx-a:2 \r\nVia: 1.1 sallyport\r\n\r\n`,
  ]);
  expect(answer).toBe(fine);
});

test('proxyHttp() answers pipelined requests in order, over a new connection to the target behind each that has content', async () => {
  const sockets: number[] = [];
  const { port: target } = await tcpServer((socket) => {
    const place = sockets.push(0) - 1;
    let seen = '';
    socket.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      // As one that keeps no content and heeds no Connection: close.
      for (let head = HEAD.exec(seen); head !== null; head = HEAD.exec(seen)) {
        const [all, line = '', length = '0'] = head;
        const content =
          length === 'chunked' ? '3\r\nxyz\r\n0\r\n\r\n' : seen.slice(all.length).slice(0, Number(length));
        if (length !== 'chunked' && content.length < Number(length)) return;
        if (!seen.startsWith(content, all.length)) return;
        seen = seen.slice(all.length + content.length);
        sockets[place] = (sockets[place] ?? 0) + 1;
        const text = `${line} ${content}`;
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
      }
    });
  });
  const { port } = await proxyTo([target]);
  const to = (method: string, path: string) =>
    `${method} http://api.test:${target}${path} HTTP/1.1\r\nHost: x\r\n`;
  const answer = await say(
    port,
    `${to('GET', '/1')}\r\n${to('POST', '/2')}Content-Length: 3\r\n\r\nabc${to('PUT', '')}Transfer-Encoding: chunked\r\n\r\n` +
      `3\r\nxyz\r\n0\r\n\r\n${to('POST', '?4')}\r\n${to('OPTIONS', '')}\r\n${to('DELETE', '/6')}${CLOSE}`,
  );
  expect(answer.split(/HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*\r\n/).slice(1)).toEqual([
    'GET /1 ',
    'POST /2 abc',
    'PUT / 3\r\nxyz\r\n0\r\n\r\n',
    'POST /?4 ',
    'OPTIONS * ',
    'DELETE /6 ',
  ]);
  expect(sockets).toEqual([2, 1, 3]);
});

test('proxyHttp() leaves one target for the next, and says of each how it ended', async () => {
  const closed: string[] = [];
  const target = await webServer((request, response) => {
    const { host = '' } = request.headers;
    request.socket.once('close', () => closed.push(host));
    response.end(host);
  });
  const log = testLog();
  const { port } = await proxyTo([target], { log });
  const answer = await say(
    port,
    `GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n\r\nGET http://www.test:${target}/ HTTP/1.1\r\nHost: x\r\n${CLOSE}`,
  );
  expect(answer).toMatch(/\r\n\r\napi\.test:\d+HTTP\/1\.1 200 OK\r\n(.+\r\n)+\r\nwww\.test:\d+$/);
  const ended = log.lines.filter(({ message }) => message === 'connection ended');
  expect(ended.map(({ fields }) => [fields['target'], fields['ending']])).toEqual([
    [`api.test:${target}`, 'finished'],
    [`www.test:${target}`, 'finished'],
  ]);
  expect(closed).toEqual([`api.test:${target}`, `www.test:${target}`]);
});

test('proxyHttp() passes informational answers, trailers and content as they come', async () => {
  const final =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n';
  let received = '';
  const { port: target } = await scriptedServer((socket) => {
    socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n');
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString();
      if (received.endsWith('\r\n\r\n')) socket.write(final);
    });
  });
  const { port } = await proxyTo([target]);
  const client = await tcpClient(port);
  client.write(
    `POST http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  const hints = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n';
  expect((await readSome(client, hints.length)).toString()).toBe(hints);
  client.write('1\r\na\r\n0\r\nX-Check: 1\r\n\r\n');
  expect((await readSome(client, final.length)).toString()).toBe(final);
  expect(received).toBe('1\r\na\r\n0\r\nX-Check: 1\r\n\r\n');
});

test('proxyHttp() ends behind a request that has waited for 100 (Continue), as its answer says', async () => {
  const target = await webServer((request, response) =>
    request.on('end', () => response.end(request.url)).resume(),
  );
  const { port } = await proxyTo([target]);
  const client = await tcpClient(port);
  const to = (path: string) => `PUT http://api.test:${target}${path} HTTP/1.1\r\nHost: x\r\n`;
  client.write(`${to('/1')}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`);
  expect((await readSome(client)).toString()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
  client.write(`ok${to('/2')}${CLOSE}`);
  // The target has been told that it is the last, and says so.
  expect((await readAll(client)).toString()).toMatch(/^HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n[^]*\/1$/);
});

test.each(['HEAD', 'GET'])(
  'proxyHttp() keeps what the answer to %s says of content that it has not',
  async (method) => {
    const { port: target } = await scriptedServer((socket) =>
      socket.write(
        `HTTP/1.1 ${method === 'HEAD' ? '200 OK' : '304 Not Modified'}\r\nContent-Length: 5\r\n\r\n`,
      ),
    );
    const { port } = await proxyTo([target]);
    const answer = await say(port, `${method} http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n${CLOSE}`);
    expect(answer).toMatch(/\r\nContent-Length: 5\r\n/);
    expect(answer).toMatch(/\r\n\r\n$/);
  },
);

test('proxyHttp() serves HTTP/1.0, and an answer that ends with its connection', async () => {
  const { port: target, heads } = await scriptedServer((socket) =>
    socket.end('HTTP/1.0 200 OK\r\n\r\nto the end'),
  );
  const { port } = await proxyTo([target]);
  const whole = 'HTTP/1.0 200 OK\r\n\r\nto the end';
  expect(await say(port, `GET http://api.test:${target}/ HTTP/1.0\r\n\r\n`)).toBe(whole);
  expect(await say(port, `GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n\r\n`)).toBe(whole);
  expect(heads[0]).toBe(`GET / HTTP/1.0\r\nHost: api.test:${target}\r\nVia: 1.0 sallyport\r\n\r\n`);
});

test('proxyHttp() answers a client that has closed its side', async () => {
  const target = await webServer((_request, response) => setTimeout(() => response.end('late'), 100));
  const { port } = await proxyTo([target]);
  const client = await tcpClient(port);
  client.end(`GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n\r\n`);
  expect((await readAll(client)).toString()).toMatch(/late$/);
});

test.each([
  ['Content-Length: 10\r\n\r\nhalf'],
  ['Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ['Connection: close\r\n\r\nhalf'],
])('proxyHttp() resets a client whose answer breaks off (%j)', async (rest) => {
  const { port: target } = await scriptedServer((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${rest}`, () => setTimeout(() => socket.resetAndDestroy(), 50));
  });
  const log = testLog();
  const { port } = await proxyTo([target], { log });
  const client = await tcpClient(port);
  client.write(`GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n\r\n`);
  await expect(readAll(client)).rejects.toThrow('ECONNRESET');
  expect((await log.line('connection ended')).fields).toMatchObject({ ending: 'target aborted' });
});

test('proxyHttp() resets the target when the client leaves within its request', async () => {
  const ended = Promise.withResolvers<string | null>();
  const { port: target } = await scriptedServer((socket) => void endOf(socket).then(ended.resolve));
  const log = testLog();
  const { port } = await proxyTo([target], { log });
  const client = await tcpClient(port);
  client.write(`POST http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf`);
  setTimeout(() => client.resetAndDestroy(), 100);
  expect(await ended.promise).toBe('ECONNRESET');
  expect((await log.line('connection ended')).fields).toMatchObject({ ending: 'client aborted' });
});

test.each([
  ['by 400 before an answer', '', /^HTTP\/1\.1 400 [^]*chunk size/],
  ['by a reset within an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', /ECONNRESET/],
])(
  'proxyHttp() refuses a request whose content turns out malformed %s, and resets the target',
  async (_when, begun, outcome) => {
    const ended = Promise.withResolvers<string | null>();
    const { port: target } = await scriptedServer((socket) => {
      socket.write(begun);
      void endOf(socket).then(ended.resolve);
    });
    const log = testLog();
    const { port } = await proxyTo([target], { log });
    const client = await tcpClient(port);
    client.write(
      `POST http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n`,
    );
    setTimeout(() => client.write('nonsense\r\n'), 100);
    expect(String(await readAll(client).catch((cause: unknown) => cause))).toMatch(outcome);
    expect(await ended.promise).toBe('ECONNRESET');
    expect((await log.line('refused')).fields).toMatchObject({ rule: 'malformed' });
  },
);

test('proxyHttp() answers what comes before a request whose content is malformed, and sends nothing of that on', async () => {
  const { port: target, heads } = await scriptedServer((socket) =>
    setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), 50),
  );
  const { port } = await proxyTo([target]);
  const to = (method: string) => `${method} http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n`;
  const answer = await say(
    port,
    `${to('GET')}\r\n${to('POST')}Transfer-Encoding: chunked\r\n\r\nnonsense\r\n`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*\r\n\r\nokHTTP\/1\.1 400 [^]*chunk size/);
  expect(heads.length).toBe(1);
});

test('proxyHttp() delivers an early answer to an upload that goes on, and closes', async () => {
  const { port: target } = await scriptedServer((socket) => {
    socket.end('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig');
    socket.destroySoon();
  });
  const { port } = await proxyTo([target]);
  const client = await tcpClient(port);
  client.write(`POST http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n`);
  const uploading = setInterval(() => client.write(Buffer.alloc(100_000)), 5);
  onTestFinished(() => clearInterval(uploading));
  expect((await readAll(client)).toString()).toMatch(/^HTTP\/1\.1 413 [^]*\r\n\r\nbig$/);
});

test('proxyHttp() ends a client between requests when the target has ended', async () => {
  const { port: target } = await scriptedServer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    setTimeout(() => socket.end(), 50);
  });
  const log = testLog();
  const { port } = await proxyTo([target], { log });
  expect(await say(port, `GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(/ok$/);
  expect((await log.line('connection ended')).fields).toMatchObject({ ending: 'finished' });
});

test('proxyHttp() says 502, and why, when the target cannot be reached or ends without an answer', async () => {
  const dead = await closedPort();
  const { port: mute } = await scriptedServer((socket) => socket.end());
  const { port } = await proxyTo([dead, mute]);
  const answer = await say(port, `GET http://api.test:${dead}/ HTTP/1.1\r\nHost: x\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 502 failed to connect to api\.test:\d+: connect ECONNREFUSED .*\r\n/);
  expect(answer).toMatch(
    /^Proxy-Status: sallyport; error=destination_unavailable; details="failed to connect .*ECONNREFUSED.*"\r$/m,
  );
  expect(await say(port, `CONNECT api.test:${dead} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 502 failed to connect to api\.test:\d+: connect ECONNREFUSED .*\r\n/,
  );
  expect(await say(port, `GET http://api.test:${mute}/ HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 502 no answer from api\.test:\d+: .*\r\n/,
  );
});

test('proxyHttp() says 504 when the target cannot be reached in time', async () => {
  const { port } = await proxyTo([1], {
    connectTimeout: 100,
    target: { resolve: (signal) => abortable(new Promise(() => {}), signal) },
  });
  const answer = await say(port, `GET http://api.test:1/ HTTP/1.1\r\nHost: x\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 504 [^]*error=connection_timeout; [^]*no answer within 100 ms\n$/);
});

test.each([
  [true, /^HTTP\/1\.1 502 [^]*error=dns_error; [^]*no such name\n$/],
  [false, /^HTTP\/1\.1 504 [^]*error=dns_timeout; [^]*no such name\n$/],
])('proxyHttp() tells a lookup that failed from a dial (definite: %s)', async (isFinal, expected) => {
  const { port } = await proxyTo([1], {
    target: { resolve: () => Promise.reject(new ResolveError('no such name', { isFinal })) },
  });
  expect(await say(port, `GET http://api.test:1/ HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(expected);
});

test('proxyHttp() says 501 to TRACE and OPTIONS that may go no further', async () => {
  const { port: target, heads } = await scriptedServer(() => {});
  const { port } = await proxyTo([target]);
  const answer = await say(
    port,
    `OPTIONS http://api.test:${target} HTTP/1.1\r\nHost: x\r\nMax-Forwards: 0\r\n\r\n`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 501 [^]*Max-Forwards is 0/);
  expect(heads).toEqual([]);
});

test('proxyHttp() goes on in another protocol when the target agrees, and each side may end by itself', async () => {
  const { port: target, heads } = await scriptedServer((socket) => {
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX: \xe9\r\n\r\nfirst ',
      'latin1',
    );
    socket.pipe(socket);
  });
  const { port } = await proxyTo([target]);
  const client = await tcpClient(port);
  client.write(
    `GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly `,
  );
  expect((await readSome(client, 90)).toString('latin1')).toMatch(
    /^HTTP\/1\.1 101 [^]*\r\nX: \xe9\r\n\r\nfirst early $/,
  );
  client.end('late');
  expect((await readAll(client)).toString()).toBe('late');
  expect(heads[0]).toMatch(/\r\nUpgrade: echo\r\n/);
});

test('proxyHttp() passes on the answer of a target that does not agree, and then the next request', async () => {
  const { port: target } = await scriptedServer((socket) =>
    socket.write('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno'),
  );
  const { port } = await proxyTo([target]);
  expect(
    await say(
      port,
      `GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n`,
    ),
  ).toMatch(/^HTTP\/1\.1 426 [^]*\r\n\r\nnoHTTP\/1\.1 403 [^]*this is a proxy/);
});

test.each(['h2c', 'foo, h2c', 'TLS/1.0', 'HTTP/2.0'])(
  'proxyHttp() does not pass on the wish to go on in %s, where names are out of sight',
  async (protocol) => {
    const { port: target, heads } = await scriptedServer((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    );
    const { port } = await proxyTo([target]);
    const wish = `Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`;
    expect(await say(port, `GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n${wish}`)).toMatch(/ok$/);
    expect(heads[0]).not.toMatch(/upgrade|settings/i);
  },
);

test('proxyHttp() opens a tunnel with CONNECT, byte for byte, and each side may end by itself', async () => {
  const { port: target } = await tcpServer((socket) => socket.pipe(socket));
  const log = testLog();
  const relay = await proxyTo([target], { log });
  const client = await tcpClient(relay.port);
  client.write(`CONNECT api.test:${target} HTTP/1.1\r\nHost: evil.test\r\n\r\nearly `);
  const opened = 'HTTP/1.1 200 Connection Established\r\n\r\n';
  expect((await readSome(client, opened.length + 6)).toString()).toBe(`${opened}early `);
  expect(relay.live).toBe(1);
  client.end('late');
  expect((await readAll(client)).toString()).toBe('late');
  expect((await log.line('connection ended')).fields).toMatchObject({
    target: `api.test:${target}`,
    sent: 10,
    received: 10,
    ending: 'finished',
  });
  expect(relay.live).toBe(0);
});

test.each([
  ['CONNECT evil.test:PORT HTTP/1.1', 403, 'evil.test is not in TARGET', 'not in TARGET'],
  ['CONNECT api.test:1 HTTP/1.1', 403, 'port 1 is not in PORT', 'not in PORT'],
  ['CONNECT api.test HTTP/1.1', 400, 'host:port', 'malformed'],
  ['CONNECT api.test:PORT HTTP/1.1\r\nContent-Length: 1', 400, 'no content', 'malformed'],
  ['GET http://evil.test:PORT/ HTTP/1.1', 403, 'evil.test is not in TARGET', 'not in TARGET'],
  ['GET http://api.test/ HTTP/1.1', 403, 'port 80 is not in PORT', 'not in PORT'],
  ['GET http://api.test@evil.test:PORT/ HTTP/1.1', 400, 'no host', 'malformed'],
  ['GET http://api.test:PORT\\@evil.test/ HTTP/1.1', 400, 'that is no host', 'malformed'],
  ['GET https://api.test:PORT/ HTTP/1.1', 501, 'CONNECT', 'unsupported'],
  ['GET / HTTP/1.1', 403, 'this is a proxy', 'no proxy request'],
  ['GET http://api.test:PORT/ HTTP/1.1\r\nHost: b', 400, 'more than one Host', 'several names'],
  ['GET http://api.test:PORT/ HTTP/2.0', 505, 'HTTP/2.0', 'HTTP version'],
  ['POST http://api.test:PORT/ HTTP/1.1\r\nContent-Length: 010', 400, 'octal', 'malformed'],
  ['POST http://api.test:PORT/ HTTP/1.1\r\nTransfer-Encoding: x', 400, 'Transfer-Encoding', 'malformed'],
  ['GET http://api.test:PORT/ HTTP/1.1\r\nExpect: much', 501, 'Expect', 'unsupported'],
])('proxyHttp() refuses %j with %i, and says why', async (head, status, text, rule) => {
  const { port: target, heads } = await scriptedServer(() => {});
  const log = testLog();
  const { port } = await proxyTo([target], { log });
  const answer = await say(port, `${head.replace('PORT', String(target))}\r\nHost: a\r\n\r\n`);
  const [line = ''] = answer.split('\r\n');
  expect(line.startsWith(`HTTP/1.1 ${status} `)).toBe(true);
  expect(line).toContain(text);
  expect(answer).toMatch(/\r\nProxy-Status: sallyport; error=http_request_(denied|error); details="/);
  expect((await log.line('refused')).fields).toMatchObject({ rule, decision: 'refused' });
  expect(heads).toEqual([]);
});

test.each([
  ['TLS', clientHello({ names: ['proxy.test'] }), 'HTTPS_PROXY=http://'],
  ['SOCKS5', Buffer.from([5, 1, 0]), 'not socks5://'],
  ['SOCKS4', Buffer.from([4, 1, 0, 10, 192, 0, 2, 1, 0]), 'not socks4://'],
])('proxyHttp() tells who speaks %s to it what to write instead', async (protocol, opening, advice) => {
  const log = testLog();
  const { port } = await proxyTo([1], { log });
  const client = await tcpClient(port);
  client.write(opening);
  const [line] = (await readAll(client)).toString('latin1').split('\r\n');
  expect(line).toMatch(new RegExp(`^HTTP/1\\.1 403 it speaks ${protocol}, .*${RegExp.escape(advice)}`));
  const { rule, reason } = (await log.line('refused')).fields;
  expect([rule, `HTTP/1.1 403 ${String(reason)}`]).toEqual(['no proxy request', line]);
});

test('proxyHttp() refuses a second request as it does the first, after the answer to that', async () => {
  const { port: target, heads } = await scriptedServer((socket) =>
    setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), 50),
  );
  const { port } = await proxyTo([target]);
  const answer = await say(
    port,
    `GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n\r\nGET http://evil.test:${target}/ HTTP/1.1\r\nHost: x\r\n\r\n`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*\r\n\r\nokHTTP\/1\.1 403 [^]*evil\.test is not in TARGET\n$/);
  expect(heads.length).toBe(1);
});

test('proxyHttp() has a client beyond the limit wait, refuses others meanwhile, and serves it next', async () => {
  const target = await webServer((_request, response) => response.end('ok'));
  const relay = await proxyTo([target], { maxConnections: 1 });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const [first] = await once(
    get({ port: relay.port, path: `http://api.test:${target}/`, agent }),
    'response',
  );
  first.resume();
  await once(first, 'end');
  const waiting = say(relay.port, `GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n${CLOSE}`);
  expect(await say(relay.port, 'GET http://evil.test/ HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/ 403 /);
  expect([relay.live, relay.waiting]).toEqual([1, 1]);
  agent.destroy();
  expect(await waiting).toMatch(/ok$/);
});

test('drain() ends idle clients of a proxy at once, and others after their answer', async () => {
  const asked = Promise.withResolvers<() => void>();
  const target = await webServer((request, response) => {
    if (request.url === '/slow') asked.resolve(() => response.end('slow'));
    else response.end('ok');
  });
  const relay = await proxyTo([target]);
  const idle = await tcpClient(relay.port);
  idle.write(`GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n\r\n`);
  await readSome(idle, 100);
  const busy = say(relay.port, `GET http://api.test:${target}/slow HTTP/1.1\r\nHost: x\r\n\r\n`);
  const answer = await asked.promise;
  const drained = relay.drain(AbortSignal.timeout(5_000));
  expect(await endOf(idle)).toBe(null);
  answer();
  expect(await busy).toMatch(/\r\n\r\nslow$/);
  await drained;
});

test(
  'proxyHttp() closes a client that begins a request and does not end its head',
  { timeout: 15_000 },
  async () => {
    const target = await webServer((_request, response) => response.end('ok'));
    const log = testLog();
    const { port } = await proxyTo([target], { log });
    const [fresh, later] = await Promise.all([
      say(port, 'GET http://api.test'),
      say(port, `GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n\r\nGET http`),
    ]);
    expect(fresh).toMatch(/^HTTP\/1\.1 408 /);
    expect(later).toMatch(/^HTTP\/1\.1 200 [^]*okHTTP\/1\.1 408 /);
    expect(log.lines.filter(({ fields }) => fields['rule'] === 'silent').length).toBe(2);
  },
);

test('proxyHttp() takes heads up to 64 KiB, and says so of longer ones', async () => {
  const { port: target, heads } = await scriptedServer((socket) =>
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
  );
  const { port } = await proxyTo([target]);
  const many = 'a:1\r\n'.repeat(900);
  const start = `GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n${many}`;
  expect(await say(port, `${start}${CLOSE}`)).toMatch(/ok$/);
  expect(heads[0]?.match(/^a:1\r$/gm)?.length).toBe(900);
  expect(await say(port, `${start}${many}\r\n`)).toMatch(/^HTTP\/1\.1 431 [^]*1000 fields/);
  expect(await say(port, `${start}b: ${'b'.repeat(64 * 1024)}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 431 [^]*65536 bytes/,
  );
});
