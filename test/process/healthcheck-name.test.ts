import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { a, countQuestions, scriptedServer, type Script, zone } from '../helpers/dns.ts';
import { runHealthcheck, startSallyport, temporaryDirectory } from '../helpers/program.ts';
import { closedPort, tcpServer } from '../helpers/sockets.ts';

const GRACE = 600;
const START_PERIOD = 10;

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
  const status = JSON.stringify({ uptime, names, ports: [], blackout: { state: 'off' } });
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

test.each(['1', '0'])(
  'unhealthy: there has been no answer since the start period (PRE_RESOLVE_REFRESH=%s)',
  async (PRE_RESOLVE_REFRESH) => {
    const nothing = { addresses: [], ttl: null, age: null, problem: 'DNS is down' };
    const young = await relaySaying(nothing, { uptime: START_PERIOD, PRE_RESOLVE_REFRESH });
    expect((await runHealthcheck(young)).output).toBe('healthy\n');
    const old = await relaySaying(nothing, { uptime: START_PERIOD + 1, PRE_RESOLVE_REFRESH });
    expect(await runHealthcheck(old)).toEqual({
      code: 1,
      output: 'unhealthy: api.test has never been resolved since the start: DNS is down\n',
    });
  },
);

test('a probe that gets no answer says that the name cannot be resolved', async () => {
  const { port: target } = await tcpServer(() => {});
  const environment = await relaySaying(
    { addresses: [], ttl: null, age: null, problem: 'DNS is down' },
    { target, uptime: START_PERIOD, HTTP_HEALTHCHECK: '1', HTTP_HEALTHCHECK_TIMEOUT_MS: '300' },
  );
  expect((await runHealthcheck(environment)).output).toMatch(
    /^unhealthy: .*silent for 300 ms; the relay cannot resolve api\.test: DNS is down\n$/,
  );
});

/** A relay with PRE_RESOLVE_REFRESH=0 that resolved to one address, and a nameserver that then says something else. */
async function relayThatResolvedTo(address: string, later: Script, { target = 0, MODE = 'tcp' } = {}) {
  let script = zone([a('api.test', address)]);
  const nameserver = await scriptedServer((query, from) => script(query, from));
  const environment = {
    TARGET: 'api.test',
    PORT: `${await closedPort()}:${target === 0 ? await closedPort() : target}`,
    MODE,
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
  expect(countQuestions(asked)).toBe(3);
});

/** Answers each question with another address, the first of them 127.0.0.1. */
function rotating(): Script {
  const asked = new Set<number | undefined>();
  return (query, from) => {
    if (query.questions?.[0]?.type === 'A') asked.add(query.id);
    return zone([a('api.test', `127.0.0.${asked.size}`)])(query, from);
  };
}

test('healthy with PRE_RESOLVE_REFRESH=0: answers rotate, and the address in use comes up', async () => {
  const { environment } = await relayThatResolvedTo('127.0.0.3', rotating());
  expect((await runHealthcheck(environment)).output).toBe('healthy\n');
});

test('healthy with PRE_RESOLVE_REFRESH=0: no answer has the address in use, and it connects', async () => {
  const { port: target } = await tcpServer((socket) => socket.end(), '127.0.0.9');
  const moved = await relayThatResolvedTo('127.0.0.9', zone([a('api.test', '127.0.0.2')]), { target });
  expect((await runHealthcheck(moved.environment)).output).toBe('healthy\n');
});

test('unhealthy with PRE_RESOLVE_REFRESH=0: answers rotate, and no address in use connects', async () => {
  const { environment } = await relayThatResolvedTo('127.0.0.9', rotating());
  expect((await runHealthcheck(environment)).output).toBe(
    'unhealthy: api.test rotates, and no address in use connects: in use is 127.0.0.9, given is 127.0.0.1, 127.0.0.2, 127.0.0.3\n',
  );
});

test('PRE_RESOLVE_REFRESH=0 with MODE=udp: answers that all differ are a rotation, others show that the name has moved', async () => {
  const rotates = await relayThatResolvedTo('127.0.0.9', rotating(), { MODE: 'udp' });
  expect((await runHealthcheck(rotates.environment)).output).toBe('healthy\n');
  const moved = await relayThatResolvedTo('127.0.0.9', zone([a('api.test', '127.0.0.2')]), { MODE: 'udp' });
  expect((await runHealthcheck(moved.environment)).output).toContain('api.test has moved');
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
