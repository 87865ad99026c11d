import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { a, scriptedServer, type Script, zone } from '../helpers/dns.ts';
import { runHealthcheck, startSallyport, temporaryDirectory } from '../helpers/program.ts';
import { closedPort, tcpServer } from '../helpers/sockets.ts';

const GRACE = 600;

interface Said {
  name?: string;
  addresses: readonly string[];
  ttl: number | null;
  age: number | null;
  problem: string | null;
}

/** A relay whose control socket is replaced by one that says what the test wants of a name, which is api.test unless it says another. */
async function relaySaying(
  said: Said | readonly Said[],
  {
    target = 1,
    uptime = 10,
    ...environment
  }: { target?: number; uptime?: number } & Record<string, string | number> = {},
) {
  const port = await closedPort();
  const common = { PORT: `${port}:${target}`, TARGET_SCOPE: 'any', ...environment };
  await startSallyport({ ...common, TARGET: '127.0.0.1' }).line('listening');
  const runDir = temporaryDirectory();
  const names = [said].flat().map((each) => ({ name: 'api.test', ...each }));
  const status = JSON.stringify({ uptime, names, blackout: { state: 'off' } });
  const control = createServer((socket) => socket.end(status));
  control.listen(join(runDir, 'control.sock'));
  await once(control, 'listening');
  onTestFinished(() => {
    control.close();
  });
  return { TARGET: 'api.test', ...common, PRE_RESOLVE: '1', SALLYPORT_RUN_DIR: runDir };
}

const stale = { addresses: ['127.0.0.1'], ttl: 60, age: 60 + GRACE + 1, problem: 'DNS is down' };

test('unhealthy: the answer is older than its TTL plus ten minutes and no address connects', async () => {
  const environment = await relaySaying(stale, { target: await closedPort() });
  expect(await runHealthcheck(environment)).toEqual({
    code: 1,
    output: 'unhealthy: api.test has not been resolved for 661 s, and no address connects: DNS is down\n',
  });
});

test('healthy: the answer is as old, but one address connects', async () => {
  const { port } = await tcpServer((socket) => socket.end());
  const addresses = ['127.0.0.9', '127.0.0.1'];
  const environment = await relaySaying({ ...stale, addresses }, { target: port });
  expect((await runHealthcheck(environment)).output).toBe('healthy\n');
});

test('healthy: a name that a client has asked for below a wildcard cannot be resolved', async () => {
  const environment = await relaySaying(
    { ...stale, name: 'no.api.test', addresses: [] },
    { TARGET: 'api.test *.api.test' },
  );
  expect((await runHealthcheck(environment)).output).toBe('healthy\n');
});

test('unhealthy: one listed name of several cannot be resolved, whatever else is well', async () => {
  const environment = await relaySaying(
    [
      { ...stale, age: 1, problem: null },
      { ...stale, name: 'b.test' },
    ],
    { TARGET: 'api.test *.api.test b.test', target: await closedPort() },
  );
  expect((await runHealthcheck(environment)).output).toBe(
    'unhealthy: b.test has not been resolved for 661 s, and no address connects: DNS is down\n',
  );
});

test('healthy: no address connects, but the answer is fresh enough', async () => {
  const environment = await relaySaying({ ...stale, age: 60 + GRACE }, { target: await closedPort() });
  expect((await runHealthcheck(environment)).output).toBe('healthy\n');
});

test('unhealthy: there has been no answer for ten minutes since the start', async () => {
  const nothing = { addresses: [], ttl: null, age: null, problem: 'DNS is down' };
  const young = await relaySaying(nothing, { uptime: GRACE });
  expect((await runHealthcheck(young)).output).toBe('healthy\n');
  const old = await relaySaying(nothing, { uptime: GRACE + 1 });
  expect((await runHealthcheck(old)).output).toContain('api.test has not been resolved for 601 s');
});

/** A relay with PRE_RESOLVE_REFRESH=0 that resolved to one address, and a nameserver that then says something else. */
async function relayThatResolvedTo(address: string, later: Script) {
  let script = zone([a('api.test', address)]);
  const nameserver = await scriptedServer((query, from) => script(query, from));
  const environment = {
    TARGET: 'api.test',
    PORT: `${await closedPort()}`,
    PRE_RESOLVE: '1',
    PRE_RESOLVE_REFRESH: '0',
    TARGET_SCOPE: 'any',
    NAMESERVERS: `127.0.0.1:${nameserver.port}`,
    SALLYPORT_RUN_DIR: temporaryDirectory(),
  };
  const relay = startSallyport(environment);
  await relay.line('name resolved');
  await relay.line('listening');
  script = later;
  return { environment, nameserver };
}

test('unhealthy with PRE_RESOLVE_REFRESH=0: no address in use is among the answers, asked for three times', async () => {
  const { environment, nameserver } = await relayThatResolvedTo(
    '127.0.0.1',
    zone([a('api.test', '127.0.0.2')]),
  );
  const before = nameserver.queries.length;
  const { code, output } = await runHealthcheck(environment);
  expect(code).toBe(1);
  expect(output).toBe('unhealthy: api.test has moved: in use is 127.0.0.1, given is 127.0.0.2\n');
  const asked = nameserver.queries.slice(before).filter(({ questions }) => questions?.[0]?.type === 'A');
  expect(asked).toHaveLength(3);
});

test('healthy with PRE_RESOLVE_REFRESH=0: answers rotate, and the address in use comes up', async () => {
  let turn = 0;
  const rotating: Script = (query, from) => {
    if (query.questions?.[0]?.type === 'A') turn++;
    return zone([a('api.test', `127.0.0.${turn}`)])(query, from);
  };
  const { environment } = await relayThatResolvedTo('127.0.0.3', rotating);
  expect((await runHealthcheck(environment)).output).toBe('healthy\n');
});

test('healthy with PRE_RESOLVE_REFRESH=0: the nameservers do not answer', async () => {
  const { environment } = await relayThatResolvedTo('127.0.0.1', () => []);
  expect((await runHealthcheck(environment)).output).toBe('healthy\n');
});

test(
  'EXIT_ON_UNHEALTHY=1 ends the relay with 1 after one failed self-check',
  { timeout: 60_000 },
  async () => {
    const port = await closedPort();
    const relay = startSallyport({
      TARGET: '127.0.0.1',
      PORT: `${port}:${await closedPort()}`,
      HTTP_HEALTHCHECK: '1',
      EXIT_ON_UNHEALTHY: '1',
    });
    const { code, output } = await relay.ended;
    expect(code).toBe(1);
    expect(output).toContain('1 self-checks in a row have failed (EXIT_ON_UNHEALTHY)');
    expect((await relay.line('self-check failed'))['err']).toContain(
      'unhealthy: no answer to GET http://127.0.0.1/',
    );
  },
);
