import { expect, test } from 'vitest';

import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { muteServer } from '../helpers/mute-server.ts';
import { runProgram, startSallyport, temporaryDirectory } from '../helpers/program.ts';
import { closedPort, closedRange, tcpServer, udpSocket } from '../helpers/sockets.ts';

type Environment = Readonly<Record<string, string>>;

/** What `sallyport check` says: its verdict, and its sections by title. */
async function check(environment: Environment, ...options: readonly string[]) {
  const { code, stdout, stderr } = await runProgram('sallyport', ['check', ...options], {
    SALLYPORT_RUN_DIR: temporaryDirectory(),
    ...environment,
  });
  const [verdict, ...blocks] = stdout.trimEnd().split('\n\n');
  const sections = Object.fromEntries(
    blocks.map((block) => {
      const [title = '', ...lines] = block.split('\n');
      return [title, lines.map((line) => line.trim())];
    }),
  );
  return { code, stderr, stdout, verdict, sections };
}

/** Nameservers that know these names, and what else such a test needs. */
async function named(...records: Parameters<typeof zone>[0]): Promise<Environment> {
  const nameserver = await scriptedServer(zone(records));
  return { PRE_RESOLVE: '1', NAMESERVERS: `127.0.0.1:${nameserver.port}`, TARGET_SCOPE: 'any' };
}

test('check tries ADMIN_PORT too', async () => {
  const { port: taken } = await tcpServer((socket) => socket.end());
  const environment = { TARGET: '127.0.0.1', PORT: `${await closedPort()}:${taken}` };
  const { code, sections } = await check({ ...environment, ADMIN_PORT: String(taken) });
  expect(code).toBe(1);
  expect(sections['Problems']).toEqual([
    expect.stringMatching(
      new RegExp(`^failed to listen on admin tcp port ${taken} at 127\\.0\\.0\\.1: .*EADDRINUSE`),
    ),
  ]);
  const free = await check({ ...environment, ADMIN_PORT: String(await closedPort()) });
  expect([free.code, free.sections['Problems']]).toEqual([0, undefined]);
});

test('check shows the verdict, where each port leads and what is set; with --all, the rest', async () => {
  const { port: target } = await tcpServer((socket) => socket.end());
  const port = await closedPort();
  const nameservers = await named(a('api.test', '127.0.0.1'));
  const environment = {
    ...nameservers,
    TARGET: 'api.test',
    PORT: `${port}:${target}`,
    MAX_CONNECTIONS: '7',
    HTTP_HEALTHCHECK: '1',
    HTTP_HEALTHCHECK_URL: 'http://user:word@$TARGET/status?key=word',
  };
  const brief = await check(environment);
  expect([brief.code, brief.stderr, brief.verdict]).toEqual([0, '', 'No problem was found.']);
  expect(Object.keys(brief.sections)).toEqual(['Routes', 'Configuration']);
  const shown = brief.sections['Configuration']?.map((line) => line.split(/ {2,}/).slice(0, 2));
  const set = ['TARGET', 'PORT', 'PRE_RESOLVE', 'NAMESERVERS', 'TARGET_SCOPE', 'MAX_CONNECTIONS'];
  expect(shown).toEqual(
    [...set, 'SALLYPORT_RUN_DIR', 'HTTP_HEALTHCHECK', 'HTTP_HEALTHCHECK_URL'].map((name) => [
      name,
      'environment',
    ]),
  );
  expect(brief.stdout).not.toContain('word');

  const { stdout, sections, verdict } = await check(environment, '--all');
  expect(verdict).toBe('No problem was found.');
  const cells = sections['Configuration']?.map((line) => line.split(/ {2,}/));
  expect(cells).toEqual(
    expect.arrayContaining([
      ['TARGET', 'environment', 'api.test'],
      ['PORT', 'environment', `${port}:${target}`],
      ['MODE', 'default', 'tcp'],
      ['MAX_CONNECTIONS', 'environment', '7'],
      ['HTTP_HEALTHCHECK_URL', 'environment', 'http://***@$TARGET/status?key=***'],
      ['SMTP_HEALTHCHECK_URL', 'default', 'smtp://$TARGET/'],
    ]),
  );
  expect(sections).toMatchObject({
    Behaviour: [
      `names are resolved through ${nameservers['NAMESERVERS']}, and kept fresh; TARGET_SCOPE=any`,
      'names are not checked: whatever a client says goes to the target',
      '7 connections a port; up to 1000 more wait for their turn',
      'the target is reached within 10000 ms, or the client is reset',
      'connections may be idle for ever',
      'at a stop, what is live has 8000 ms to finish',
      `the healthcheck asks http://api.test/status by port ${port}, for at most 2000 ms`,
    ],
    Routes: [`tcp ${port} → api.test:${target} (127.0.0.1): connects`],
  });
  expect(stdout).not.toContain('word');
});

test('check says every problem at once, and ends with 1 where the configuration can be used', async () => {
  const { port: target } = await tcpServer((socket) => socket.end());
  const { port: taken } = await tcpServer((socket) => socket.end(), '0.0.0.0', await closedPort());
  const [port, refusing] = [await closedPort(), await closedPort()];
  const { code, stderr, verdict, sections } = await check({
    ...(await named(a('up.test', '127.0.0.1'))),
    TARGET: 'up.test gone.test *.wild.test',
    PORT: `${port}:${target} ${taken}:${refusing}`,
    NAMESERVER: 'x',
  });
  expect([code, stderr]).toEqual([1, '']);
  expect(verdict).toBe(
    '3 problems were found: the configuration can be used, but not all that it needs is there.',
  );
  expect(sections).toMatchObject({
    Routes: [
      `tcp ${port} → up.test:${target} (127.0.0.1): connects`,
      `tcp ${taken} → up.test:${refusing} (127.0.0.1): cannot be reached`,
      `tcp ${port} → gone.test:${target}: there is no address to dial`,
      `tcp ${taken} → gone.test:${refusing}: there is no address to dial`,
      `tcp ${port} → *.wild.test:${target}: a name below it is resolved when a client asks for it`,
      `tcp ${taken} → *.wild.test:${refusing}: a name below it is resolved when a client asks for it`,
    ],
    Warnings: ['NAMESERVER is set but unknown: did you mean NAMESERVERS?'],
    Problems: [
      expect.stringMatching(new RegExp(`^tcp ${taken} cannot be listened on: listen EADDRINUSE`)),
      'gone.test cannot be resolved: gone.test does not exist (NXDOMAIN)',
      `tcp ${taken} → up.test:${refusing}: connect ECONNREFUSED 127.0.0.1`,
    ],
  });
});

test('check says the same of a bad configuration as the relay', async () => {
  const environment = { PORT: '0', MODE: 'sctp' };
  const relay = await runProgram('sallyport', [], environment);
  expect(relay.stderr).toContain('the configuration has 3 problems');
  expect(await runProgram('sallyport', ['check'], environment)).toEqual(relay);
});

test('check waits for a mute target no longer than CONNECT_TIMEOUT_MS', async () => {
  const [port, target] = [await closedPort(), await closedPort()];
  await muteServer('127.0.0.1', target);
  const { code, sections } = await check(
    {
      TARGET: '127.0.0.1',
      PORT: `${port}:${target}`,
      CONNECT_TIMEOUT_MS: '300',
      SALLYPORT_RUN_DIR: '',
    },
    '--all',
  );
  expect(code).toBe(1);
  expect(sections['Configuration']).toContainEqual(
    expect.stringMatching(/^SALLYPORT_RUN_DIR +default +\/run\/sallyport, else \/dev\/shm\/sallyport$/),
  );
  expect(sections['Problems']).toEqual([`tcp ${port} → 127.0.0.1:${target}: no answer within 300 ms`]);
});

test('check waits for mute nameservers no longer than CONNECT_TIMEOUT_MS', async () => {
  const nameserver = await scriptedServer(() => []);
  const { code, sections } = await check({
    TARGET: 'api.test',
    PORT: String(await closedPort()),
    PRE_RESOLVE: '1',
    NAMESERVERS: `127.0.0.1:${nameserver.port}`,
    CONNECT_TIMEOUT_MS: '300',
  });
  expect(code).toBe(1);
  expect(sections['Problems']).toEqual(['api.test cannot be resolved: no answer within 300 ms']);
});

test('check says that the relay would dial itself', async () => {
  const port = await closedPort();
  const { code, verdict, sections } = await check({
    TARGET: 'localhost',
    TARGET_SCOPE: 'any',
    PORT: String(port),
  });
  expect([code, verdict]).toEqual([78, 'A problem was found: the configuration has to change.']);
  expect(sections['Problems']).toEqual([
    expect.stringMatching(/^tcp \d+ → localhost:\d+: it resolves to this relay itself .*set PRE_RESOLVE=1/),
  ]);
});

test('check ends with 78 where the configuration has to change, whatever else is down', async () => {
  const port = await closedPort();
  const { code, verdict } = await check({
    ...(await named(a('gone.test', '127.0.0.1'))),
    TARGET: 'gone.test none.test',
    PORT: String(port),
  });
  expect([code, verdict]).toEqual([78, '2 problems were found: the configuration has to change.']);
});

test('check says that a target resets whoever connects, as a relay does that leads to itself', async () => {
  // The reset comes with the connection, or behind it.
  const { port: target } = await tcpServer((socket) => socket.resetAndDestroy());
  const { port: later } = await tcpServer((socket) => setTimeout(() => socket.resetAndDestroy(), 50));
  const { port: talkative } = await tcpServer((socket) => socket.write('220 ready'));
  const environment = { TARGET: 'localhost', TARGET_SCOPE: 'any', BIND: '127.0.0.9' };
  const targets = [target, later, talkative];
  const pairs = await Promise.all(targets.map(async (port) => `${await closedPort()}:${port}`));
  const { code, sections } = await check({ ...environment, PORT: pairs.join(' ') });
  expect(code).toBe(1);
  expect(sections['Routes']).toEqual([
    expect.stringMatching(/: connects, and is reset at once$/),
    expect.stringMatching(/: connects, and is reset at once$/),
    expect.stringMatching(/: connects$/),
  ]);
  const reset = expect.stringMatching(
    /: it resets whoever connects, .*: if it is this relay itself, by its alias, set PRE_RESOLVE=1$/,
  );
  expect(sections['Problems']).toEqual([reset, reset]);
});

test('check tells the routes of a range as one', async () => {
  const low = await closedRange(100);
  const { code, sections } = await check({ TARGET: '127.0.0.1', PORT: `${low}-${low + 99}` });
  expect(code).toBe(78);
  const name = `tcp ${low}-${low + 99} → 127.0.0.1:${low}-${low + 99}`;
  expect(sections['Routes']).toEqual([`${name}: cannot be reached`]);
  expect(sections['Problems']).toEqual([
    expect.stringContaining(`${name}: it is this relay itself, which would loop: name another address`),
  ]);
});

test('with MODE=udp, check says what cannot be told, and what TARGET_SCOPE drops', async () => {
  const environment = {
    ...(await named(a('some.test', '192.0.2.1'), a('some.test', '169.254.1.2'), a('none.test', '127.0.0.1'))),
    TARGET_SCOPE: 'private',
    MODE: 'udp',
    PORT: `${await closedPort()}:53`,
  };
  const some = await check({ ...environment, TARGET: 'some.test' }, '--all');
  expect(some.code).toBe(0);
  expect(some.sections['Routes']).toEqual([
    expect.stringMatching(/^udp \d+ → some\.test:53 \(192\.0\.2\.1\): whether .* cannot be told with UDP$/),
  ]);
  expect(some.sections['Warnings']).toEqual([
    'TARGET_SCOPE=private drops 169.254.1.2 (link-local) of some.test',
  ]);
  expect(some.sections['Behaviour']).toContain('names are not checked: datagrams carry none');

  const none = await check({ ...environment, TARGET: 'none.test' });
  expect(none.code).toBe(78);
  expect(none.sections['Problems']).toEqual([
    'TARGET_SCOPE=private drops 127.0.0.1 (loopback) of none.test, and nothing is left',
  ]);
});

test('with MODE=udp, check says that a port is taken', async () => {
  const taken = (await udpSocket('udp4', '0.0.0.0')).address().port;
  const { code, sections } = await check({ TARGET: '127.0.0.1', MODE: 'udp', PORT: `${taken}:1` });
  expect(code).toBe(1);
  expect(sections['Problems']).toEqual([
    expect.stringMatching(new RegExp(`^udp ${taken} cannot be listened on: bind EADDRINUSE`)),
  ]);
});

test('with MODE=http-proxy, check shows how the one port leads to each target, and that it is taken', async () => {
  const { port: target } = await tcpServer((socket) => socket.end());
  const { port: taken } = await tcpServer((socket) => socket.end(), '0.0.0.0', await closedPort());
  const { code, sections } = await check({
    ...(await named(a('a.test', '127.0.0.1'), a('b.test', '127.0.0.1'))),
    TARGET: 'a.test b.test',
    MODE: 'http-proxy',
    LISTEN: String(taken),
    PORT: String(target),
  });
  expect(code).toBe(1);
  expect(sections).toMatchObject({
    Routes: [
      `http-proxy ${taken} → a.test:${target} (127.0.0.1): connects`,
      `http-proxy ${taken} → b.test:${target} (127.0.0.1): connects`,
    ],
    Problems: [expect.stringMatching(new RegExp(`^tcp ${taken} cannot be listened on: listen EADDRINUSE`))],
  });
});

test('beside a running relay, check leaves its ports alone', async () => {
  const { port: target } = await tcpServer((socket) => socket.end());
  const environment = { TARGET: '127.0.0.1', PORT: `${await closedPort()}:${target}` };
  const relay = startSallyport(environment);
  await relay.line('listening');
  const { code, sections } = await check({ ...environment, SALLYPORT_RUN_DIR: relay.runDir });
  expect(sections['Routes']?.at(-1)).toBe(
    'a relay runs here: whether its ports can be listened on was not tried',
  );
  expect([code, sections['Problems']]).toEqual([0, undefined]);
});

test('check gives the verdict on one name, without asking or dialling anybody', async () => {
  const nameserver = await scriptedServer(zone([a('api.test', '127.0.0.1')]));
  const environment = {
    TARGET: 'api.test db.test:5432',
    PORT: '443',
    NAME_CHECK: 'enforce',
    PRE_RESOLVE: '1',
    NAMESERVERS: `127.0.0.1:${nameserver.port}`,
  };
  const verdict = (...args: string[]) => runProgram('sallyport', ['check', ...args], environment);
  expect(await verdict('api.test:443')).toEqual({
    code: 0,
    stdout: 'allowed: 443 → api.test:443, name checked\n',
    stderr: '',
  });
  expect(await verdict('db.test:443')).toEqual({
    code: 1,
    stdout: 'refused: db.test:443 is not in PORT: it has 5432\n',
    stderr: '',
  });
  expect(nameserver.queries).toEqual([]);

  expect(await verdict('--', '-x')).toEqual({
    code: 78,
    stdout: '',
    stderr:
      "sallyport: '-x': that is no host name; check takes NAME[:PORT][/udp], such as api.example.com:443\n",
  });
  expect(await verdict('api.test', '--all')).toMatchObject({
    code: 78,
    stderr: 'sallyport: --all goes with check alone, without a name\n',
  });
  const bad = await runProgram('sallyport', ['check', 'api.test'], { ...environment, PORT: '0' });
  expect([bad.code, bad.stdout]).toEqual([78, '']);
  expect(bad.stderr).toContain('PORT="0"');
});
