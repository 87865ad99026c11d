import { expect, test } from 'vitest';

import { clientHello } from '../helpers/client-hello.ts';
import { cname, scriptedServer, zone } from '../helpers/dns.ts';
import { ask } from '../helpers/metrics.ts';
import { runHealthcheck, runProgram, runSallyport, startRelayTo } from '../helpers/program.ts';
import { closedPort, readAll, tcpClient, tcpServer } from '../helpers/sockets.ts';

/** What a terminal obeys, hides, turns around or takes for the end of a line. */
const STEERING = /(?!\n)[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
/** ESC, OSC and its end, DEL, a new line, CSI in C1, and marks of Unicode. */
const EVIL = 'x\x1b[2J\x1b]0;owned\x07\x7f\nhealthy\u009b2J\u202e\u2066\u2028\u061c';
/** The same in what is Latin-1. */
const EVIL_BYTES = 'x\x1b[2J\x7f\x9b2J\x9d0;owned\x9c';

test('a name of a nameserver steers no terminal by the log, a command or a page', async () => {
  const nameserver = await scriptedServer(zone([cname('api.test', `${EVIL}.evil.test`)]));
  const admin = await closedPort();
  const { relay, environment } = await startRelayTo(1, {
    TARGET: 'api.test',
    PRE_RESOLVE: '1',
    NAMESERVERS: `127.0.0.1:${nameserver.port}`,
    ADMIN_PORT: String(admin),
  });
  const { err } = await relay.line('the name cannot be resolved; still trying');
  // Odd bytes of a name are told as in zone files (RFC 1035 §5.1).
  expect(err).toMatch(/^x\\027\[2J.*\.evil\.test does not exist \(NXDOMAIN\)$/);

  const shown = [
    relay.written.join('\n'),
    (await runSallyport(['status'], environment)).output,
    (await runSallyport(['status', '--json'], environment)).output,
    (await runSallyport(['resolve'], environment)).output,
    (await runSallyport(['check'], environment)).output,
    (await ask(admin, '/readyz')).text,
  ];
  for (const text of shown) {
    expect(text).toContain('owned');
    expect(text).not.toMatch(STEERING);
    expect(text).not.toMatch(/^healthy/m);
  }
  const { names } = JSON.parse(shown[2] ?? '') as { names: readonly { problem: string }[] };
  expect(names[0]?.problem).toBe(err);
});

test('a name of a client steers no terminal by the log, and is in it as it was sent', async () => {
  const { relay, port } = await startRelayTo(1, { TARGET: 'api.test', NAME_CHECK: 'enforce' });
  const client = await tcpClient(port);
  client.write(clientHello({ names: [EVIL_BYTES] }));
  await readAll(client);
  const { name } = await relay.line('refused');
  expect(name).toBe(EVIL_BYTES);
  expect(relay.written.join('\n')).not.toMatch(STEERING);
});

test('an SMTP greeting steers no terminal by the healthcheck', async () => {
  const target = await tcpServer((socket) => void socket.write(`554 ${EVIL_BYTES}\r\n`));
  const { environment } = await startRelayTo(target.port, { SMTP_HEALTHCHECK: '1' });
  const { code, output } = await runHealthcheck(environment);
  expect(code).toBe(1);
  expect(output).toContain('owned');
  expect(output).not.toMatch(STEERING);
});

test('a Proxy-Status of a target steers no terminal by the healthcheck', async () => {
  const details = `"${'\x9b2J'.repeat(3)}owned"`;
  const head = `HTTP/1.1 502 no\r\nProxy-Status: sallyport; error=x; details=${details}\r\nContent-Length: 0\r\n\r\n`;
  const target = await tcpServer((socket) => void socket.write(Buffer.from(head, 'latin1')));
  const { environment } = await startRelayTo(target.port, {
    HTTP_HEALTHCHECK: '1',
    HTTP_HEALTHCHECK_URL: 'http://$TARGET/',
  });
  const { code, output } = await runHealthcheck(environment);
  expect(code).toBe(1);
  expect(output).toContain('owned');
  expect(output).not.toMatch(STEERING);
});

test.each(['sallyport', 'healthcheck'] as const)('%s prints a problem of its own lines', async (program) => {
  const { stdout, stderr } = await runProgram(program, [], { TARGET: 'a b c\x1b[2J', PORT: '\u202e' });
  expect(stdout + stderr).toMatch(/has 2 problems:\nTARGET=.*\nPORT=.*\n/);
  expect(stdout + stderr).not.toMatch(STEERING);
});
