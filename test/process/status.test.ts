import { once } from 'node:events';

import { expect, test, vi } from 'vitest';

import manifest from '../../package.json' with { type: 'json' };
import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { startNamedRelay } from '../helpers/named-relay.ts';
import { runProgram, type Sallyport, startSallyport, temporaryDirectory } from '../helpers/program.ts';
import { closedPort, endOf, tcpClient, tcpServer } from '../helpers/sockets.ts';

/** What `sallyport status` says of a relay, line by line. */
async function statusOf({ runDir }: Sallyport): Promise<readonly string[]> {
  const { code, stdout, stderr } = await runProgram('sallyport', ['status'], { SALLYPORT_RUN_DIR: runDir });
  expect([code, stderr]).toEqual([0, '']);
  return stdout.trimEnd().split('\n');
}

test('status shows names with addresses, age and TTL, and ports with live clients and those that wait', async () => {
  const { port: target, server } = await tcpServer((socket) => socket.resume());
  const nameserver = await scriptedServer(zone([a('api.test', '127.0.0.1', 300)]));
  const environment = { MAX_CONNECTIONS: '1' };
  const { relay, connect } = await startNamedRelay(target, `127.0.0.1:${nameserver.port}`, environment);
  const reached = once(server, 'connection');
  await connect();
  await reached;
  await connect();
  await connect();
  const lines = await vi.waitUntil(
    async () => {
      const said = await statusOf(relay);
      return /^\d+ +1 +2 /.test(said.at(-1) ?? '') ? said : null;
    },
    { timeout: 10_000 },
  );
  expect(lines).toEqual([
    expect.stringMatching(new RegExp(`^sallyport ${manifest.version}, MODE=tcp, up \\d+ s$`)),
    '',
    expect.stringMatching(/^NAME +AGE +TTL +ADDRESSES +PROBLEM$/),
    expect.stringMatching(/^api\.test +\d+ s +300 s +127\.0\.0\.1 +-$/),
    '',
    expect.stringMatching(/^PORT +LIVE +WAITING +LAST FAILURE$/),
    expect.stringMatching(/^\d+ +1 +2 +-$/),
  ]);
});

test('status shows that DNS is dead', async () => {
  const { relay } = await startNamedRelay(1, `127.0.0.1:${await closedPort()}`);
  await relay.line('the name cannot be resolved; still trying');
  expect((await statusOf(relay))[3]).toMatch(/^api\.test +- +- +none kept +.*ECONNREFUSED/);
});

test('status shows that the target refuses', async () => {
  const [port, target] = [await closedPort(), await closedPort()];
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${port}:${target}` });
  await relay.line('listening');
  expect(await endOf(await tcpClient(port))).toBe('ECONNRESET');
  expect((await statusOf(relay)).at(-1)).toMatch(
    new RegExp(`^${port} +0 +0 +failed to connect to 127\\.0\\.0\\.1:${target}: .*ECONNREFUSED`),
  );
});

test('status --json gives the same to programs', async () => {
  const port = await closedPort();
  const relay = startSallyport({
    TARGET: '*.wild.test 10.1.2.3',
    PORT: '80',
    MODE: 'http-proxy',
    LISTEN: String(port),
    NAME_CHECK: 'off',
  });
  await relay.line('listening');
  const { code, stdout } = await runProgram('sallyport', ['status', '--json'], {
    SALLYPORT_RUN_DIR: relay.runDir,
  });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    version: manifest.version,
    mode: 'http-proxy',
    targets: ['*.wild.test', '10.1.2.3'],
    names: [{ name: '10.1.2.3', addresses: ['10.1.2.3'] }],
    ports: [{ port, live: 0, waiting: 0, lastFailure: null }],
  });
});

test('where no relay runs, status ends with 1 and says what to do', async () => {
  const SALLYPORT_RUN_DIR = temporaryDirectory();
  const { code, stdout, stderr } = await runProgram('sallyport', ['status'], { SALLYPORT_RUN_DIR });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr.split('\n')).toEqual([
    `sallyport: no relay answers here: there is no control socket in ${SALLYPORT_RUN_DIR}`,
    expect.stringContaining('docker exec <container> sallyport status'),
    expect.stringContaining("'sallyport check' says what is wrong"),
    '',
  ]);
});

test('where the relay was killed, status says that it does not answer', async () => {
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${await closedPort()}:1` });
  await relay.line('listening');
  relay.process.kill('SIGKILL');
  await relay.ended;
  const { code, stderr } = await runProgram('sallyport', ['status'], { SALLYPORT_RUN_DIR: relay.runDir });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^sallyport: no relay answers here: .*control\.sock: connect ECONNREFUSED .*\n/);
});

test('status needs no more of the environment than SALLYPORT_RUN_DIR, and says when that is bad', async () => {
  const { code, stderr } = await runProgram('sallyport', ['status'], { SALLYPORT_RUN_DIR: 'run' });
  expect(code).toBe(78);
  expect(stderr).toMatch(/^sallyport: the configuration has a problem:\nSALLYPORT_RUN_DIR="run": .*\n$/);
});
