import { expect, test } from 'vitest';

import { scriptedServer } from '../helpers/dns.ts';
import { runHealthcheck, runSallyport, startSallyport, temporaryDirectory } from '../helpers/program.ts';
import { closedPort, tcpServer } from '../helpers/sockets.ts';

const LOOPS = 'a target leads to this relay itself';

/** A relay that listens, and its environment. */
async function startRelay(environment: Readonly<Record<string, string>>) {
  const full = { SALLYPORT_RUN_DIR: temporaryDirectory(), ...environment };
  const relay = startSallyport(full);
  await relay.line('listening');
  return { relay, environment: full };
}

test.each([
  [
    'a name',
    { TARGET: 'localhost', TARGET_SCOPE: 'any' },
    /localhost: it resolves to this relay itself \(.*127\.0\.0\.1.*\), which would loop: set PRE_RESOLVE=1/,
  ],
  [
    'an address',
    { TARGET: '127.0.0.1' },
    /127\.0\.0\.1: it is this relay itself, which would loop: name another address/,
  ],
])(
  '%s that leads to the relay itself is told in the log, the status and the healthcheck',
  async (_what, target, reason) => {
    for (const mode of ['tcp', 'udp']) {
      const { relay, environment } = await startRelay({
        ...target,
        MODE: mode,
        PORT: String(await closedPort()),
      });
      expect(await relay.line(LOOPS)).toMatchObject({ level: 'warn', err: expect.stringMatching(reason) });
      const { code, output } = await runHealthcheck(environment);
      expect([code, output]).toEqual([1, expect.stringMatching(reason)]);
      expect((await runSallyport(['status'], environment)).output).toMatch(reason);
    }
  },
);

test('a target on another port of the same host is none that leads to the relay itself', async () => {
  const { port } = await tcpServer((socket) => socket.end());
  const { relay, environment } = await startRelay({
    TARGET: '127.0.0.1',
    PORT: `${await closedPort()}:${port}`,
  });
  expect((await runHealthcheck(environment)).output).toBe('healthy\n');
  expect(relay.lines.filter(({ msg }) => msg === LOOPS)).toEqual([]);
});

test('a start does not wait for mute nameservers to tell where a target leads', async () => {
  const nameserver = await scriptedServer(() => []);
  const { relay } = await startRelay({
    TARGET: 'api.test',
    PORT: String(await closedPort()),
    PRE_RESOLVE: '1',
    NAMESERVERS: `127.0.0.1:${nameserver.port}`,
    CONNECT_TIMEOUT_MS: '3600000',
  });
  relay.process.kill('SIGTERM');
  expect((await relay.ended).code).toBe(0);
});
