import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { runHealthcheck, startRelayTo, startSallyport, temporaryDirectory } from '../helpers/program.ts';
import { closedPort, tcpClient, tcpServer } from '../helpers/sockets.ts';

const TLS = join(import.meta.dirname, '../fixtures/tls');
const CA = { NODE_EXTRA_CA_CERTS: join(TLS, 'ca.pem') };

/** As `startRelayTo`, for a target known as api.test by a nameserver of its own. */
async function relayToName(target: number, environment: Record<string, string> = {}) {
  const nameserver = await scriptedServer(zone([a('api.test', '127.0.0.1')]));
  return startRelayTo(target, {
    TARGET: 'api.test',
    PRE_RESOLVE: '1',
    TARGET_SCOPE: 'any',
    NAMESERVERS: `127.0.0.1:${nameserver.port}`,
    ...environment,
  });
}

async function httpServer(answer: RequestListener, { tls = false } = {}): Promise<number> {
  const server = tls
    ? createHttpsServer(
        { key: readFileSync(join(TLS, 'api.key')), cert: readFileSync(join(TLS, 'api.pem')) },
        answer,
      )
    : createHttpServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

const mute = (socket: Socket) => socket.resume();

test('healthy: the relay answers and its ports listen', async () => {
  const { environment } = await startRelayTo(1);
  expect(await runHealthcheck(environment)).toEqual({ code: 0, output: 'healthy\n' });
});

test('unhealthy: nothing runs', async () => {
  const port = await closedPort();
  const outcome = await runHealthcheck({
    TARGET: 'a.test',
    PORT: `${port}`,
    SALLYPORT_RUN_DIR: temporaryDirectory(),
  });
  expect(outcome).toEqual({ code: 1, output: `unhealthy: nothing listens on tcp port ${port}\n` });
});

test.each(['tcp', 'udp'])('unhealthy: one port of two does not listen (%s)', async (mode) => {
  const { port, environment } = await startRelayTo(1, { MODE: mode });
  const other = await closedPort();
  const outcome = await runHealthcheck({ ...environment, PORT: `${port} ${other}` });
  expect(outcome).toEqual({ code: 1, output: `unhealthy: nothing listens on ${mode} port ${other}\n` });
});

test('unhealthy: the relay is frozen', async () => {
  const { relay, environment } = await startRelayTo(1);
  relay.process.kill('SIGSTOP');
  const { code, output } = await runHealthcheck(environment);
  expect(code).toBe(1);
  expect(output).toContain('control.sock: silent for 2000 ms');
});

test('unhealthy: the relay was killed and left its socket behind; a new one takes it over', async () => {
  const { relay, environment } = await startRelayTo(1);
  relay.process.kill('SIGKILL');
  await relay.ended;
  const { code, output } = await runHealthcheck(environment);
  expect(code).toBe(1);
  expect(output).toContain('does not answer');

  await startSallyport(environment).line('listening');
  expect((await runHealthcheck(environment)).output).toBe('healthy\n');
});

test.each([
  ['no directory', () => '/nowhere/sallyport'],
  ['a path too long for a socket', () => join(temporaryDirectory(), 'x'.repeat(100))],
])('a relay with %s for its control socket says what is off, runs, and is healthy', async (_what, runDir) => {
  const { relay, environment } = await startRelayTo(1, { SALLYPORT_RUN_DIR: runDir() });
  expect(relay.lines[0]?.['msg']).toContain('the control socket is off');
  expect(await runHealthcheck(environment)).toEqual({ code: 0, output: 'healthy\n' });
});

test('unhealthy: the configuration is bad', async () => {
  const { code, output } = await runHealthcheck({ PORT: 'abc' });
  expect(code).toBe(1);
  expect(output).toMatch(/^unhealthy: .*TARGET is not set/s);
});

test.each([200, 404, 503])('the HTTP probe takes status %i as an answer', async (status) => {
  const target = await httpServer((_request, response) =>
    response.writeHead(status).end('x'.repeat(100_000)),
  );
  const { environment } = await startRelayTo(target, { HTTP_HEALTHCHECK: '1' });
  expect(await runHealthcheck(environment)).toEqual({ code: 0, output: 'healthy\n' });
});

test('the HTTP probe goes through the relay with the URL’s host, path and credentials, even for another host than TARGET', async () => {
  const seen: Record<string, unknown>[] = [];
  const target = await httpServer(({ url, headers, method }, response) => {
    seen.push({ method, url, host: headers.host, authorization: headers.authorization });
    response.end();
  });
  const { port, environment } = await relayToName(target, {
    HTTP_HEALTHCHECK: '1',
    HTTP_HEALTHCHECK_URL: 'http://user:p%40ss@other.test/a:b?c=d',
  });
  expect((await runHealthcheck(environment)).output).toBe('healthy\n');
  const authorization = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
  expect(seen).toEqual([{ method: 'GET', url: '/a:b?c=d', host: `other.test:${port}`, authorization }]);
});

test('the HTTP probe takes no slot and does not wait for one: a full relay is healthy', async () => {
  const target = await httpServer((_request, response) => response.end());
  const { port, environment } = await startRelayTo(target, { HTTP_HEALTHCHECK: '1', MAX_CONNECTIONS: '1' });
  await tcpClient(port);
  expect(await runHealthcheck(environment)).toEqual({ code: 0, output: 'healthy\n' });
});

test.each([
  [
    'refuses',
    async () => closedPort(),
    '; the relay failed to connect to 127.0.0.1:\\d+: connect ECONNREFUSED .*',
  ],
  ['is mute', async () => (await tcpServer(mute)).port, 'silent for 2000 ms'],
])('unhealthy: the target %s', async (_how, target, reason) => {
  const { environment } = await startRelayTo(await target(), {
    HTTP_HEALTHCHECK: '1',
    HTTP_HEALTHCHECK_TIMEOUT_MS: '2000',
  });
  const { code, output } = await runHealthcheck(environment);
  expect(code).toBe(1);
  expect(output).toMatch(new RegExp(`^unhealthy: no answer to GET http://127.0.0.1/: .*(${reason})\n$`));
});

test('the HTTPS probe verifies the certificate against the real host, which it names in SNI', async () => {
  const target = await httpServer((_request, response) => response.end(), { tls: true });
  const { environment } = await relayToName(target, {
    HTTP_HEALTHCHECK: '1',
    HTTP_HEALTHCHECK_URL: 'https://$TARGET/',
  });

  expect(await runHealthcheck({ ...environment, ...CA })).toEqual({ code: 0, output: 'healthy\n' });
  const unknownCa = await runHealthcheck(environment);
  expect(unknownCa.code).toBe(1);
  expect(unknownCa.output).toMatch(
    /unable to verify the first certificate \(if a private CA .* NODE_EXTRA_CA_CERTS .*\)\n$/,
  );
  const wrongName = await runHealthcheck({
    ...environment,
    ...CA,
    HTTP_HEALTHCHECK_URL: 'https://other.test/',
  });
  expect(wrongName.code).toBe(1);
  expect(wrongName.output).toContain("Host: other.test. is not in the cert's altnames");
});

test('the HTTPS probe verifies the certificate against an address', async () => {
  const target = await httpServer((_request, response) => response.end(), { tls: true });
  const { environment } = await startRelayTo(target, {
    HTTP_HEALTHCHECK: '1',
    HTTP_HEALTHCHECK_URL: 'https://$TARGET/',
  });
  expect(await runHealthcheck({ ...environment, ...CA })).toEqual({ code: 0, output: 'healthy\n' });
});

/** An SMTP server that keeps the commands it gets, and answers by their first word. */
async function smtpServer(replies: Record<string, string>) {
  const commands: string[] = [];
  const { port } = await tcpServer((socket) => {
    socket.write(replies['greeting'] ?? '220 mail.test ESMTP\r\n');
    socket.on('data', (bytes) => {
      for (const line of String(bytes).split('\r\n').filter(Boolean)) {
        commands.push(line);
        socket.write(replies[line.split(' ')[0] ?? ''] ?? '502 unknown\r\n');
      }
    });
  });
  return { port, commands };
}

const ehlo = { EHLO: '250-mail.test\r\n250 STARTTLS\r\n' };

test.each([
  ['HELP', '214-one\r\n214 two\r\n'],
  ['NOOP', '250 OK\r\n'],
  ['QUIT', '221 bye\r\n'],
  ['VRFY postmaster', '252 maybe\r\n'],
  ['HELP', '502 unknown\r\n'],
])('the SMTP probe sends %s as it is and takes %j as an answer', async (command, reply) => {
  const { port, commands } = await smtpServer({ ...ehlo, [command.split(' ')[0] ?? '']: reply });
  const { environment } = await startRelayTo(port, {
    SMTP_HEALTHCHECK: '1',
    SMTP_HEALTHCHECK_COMMAND: command,
  });
  expect(await runHealthcheck(environment)).toEqual({ code: 0, output: 'healthy\n' });
  expect(commands.slice(0, 2)).toEqual([expect.stringMatching(/^EHLO /), command]);
});

test.each([
  ['greets with 554', { greeting: '554 go away\r\n' }, '554 go away'],
  ['greets with 554 in two lines', { greeting: '554-go\r\n554 away\r\n' }, '554-go 554 away'],
  ['closes with 421', { ...ehlo, HELP: '421 shutting down\r\n' }, 'the server closed the connection'],
  ['does not greet', { greeting: '' }, 'silent for 2000 ms'],
  ['does not answer the command', { ...ehlo, HELP: '' }, 'silent for 2000 ms'],
])('unhealthy: the SMTP server %s', async (_how, replies, reason) => {
  const { port } = await smtpServer(replies);
  const { environment } = await startRelayTo(port, {
    SMTP_HEALTHCHECK: '1',
    SMTP_HEALTHCHECK_TIMEOUT_MS: '2000',
  });
  const { code, output } = await runHealthcheck(environment);
  expect(code).toBe(1);
  expect(output).toMatch(/^unhealthy: no answer to HELP from smtp:\/\/127\.0\.0\.1: .*\n$/);
  expect(output).toContain(reason);
});

test('unhealthy: the reason hides the credentials in the SMTP probe', async () => {
  const { environment } = await startRelayTo(await closedPort(), {
    SMTP_HEALTHCHECK: '1',
    SMTP_HEALTHCHECK_COMMAND: 'AUTH PLAIN AHVzZXIAd29yZA==',
  });
  const { output } = await runHealthcheck(environment);
  expect(output).toMatch(/^unhealthy: no answer to AUTH PLAIN \*\*\* from /);
  expect(output).not.toContain('AHVz');
});

test('unhealthy: the SMTP server’s certificate is of a private CA, and what to do about that', async () => {
  const target = await httpServer((_request, response) => response.end(), { tls: true });
  const { environment } = await startRelayTo(target, {
    SMTP_HEALTHCHECK: '1',
    SMTP_HEALTHCHECK_URL: 'smtps://$TARGET/',
  });
  const { code, output } = await runHealthcheck(environment);
  expect(code).toBe(1);
  expect(output).toMatch(
    /^unhealthy: no answer to HELP from smtps:\/\/127\.0\.0\.1: unable to verify the first certificate \(if a private CA .*\)\n$/,
  );
});

test('unhealthy: the target refuses the SMTP probe', async () => {
  const { environment } = await startRelayTo(await closedPort(), { SMTP_HEALTHCHECK: '1' });
  const { code, output } = await runHealthcheck(environment);
  expect(code).toBe(1);
  expect(output).toMatch(
    /^unhealthy: no answer to HELP from smtp:\/\/127\.0\.0\.1: .*; the relay failed to connect to .*\n$/,
  );
});

test('VERBOSE=1, and PRE_RESOLVE=1 with UDP_ANSWERS=0, are healthy', async () => {
  const verbose = await startRelayTo(1, { VERBOSE: '1' });
  expect((await runHealthcheck(verbose.environment)).output).toBe('healthy\n');
  const oneWay = await relayToName(1, { MODE: 'udp', UDP_ANSWERS: '0' });
  expect((await runHealthcheck(oneWay.environment)).output).toBe('healthy\n');
});
