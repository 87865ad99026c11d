import { once } from 'node:events';
import { statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { PROBE_SOURCE, type Status } from '../../src/control/protocol.ts';
import { MAX_TIMEOUT } from '../../src/lib/deadline.ts';
import {
  runHealthcheck,
  runProgram,
  type Sallyport,
  startSallyport,
  stopForWarnings,
} from '../helpers/program.ts';
import { closedPort, endOf, readSome, tcpClient, tcpServer, udpSocket } from '../helpers/sockets.ts';

type Environment = Readonly<Record<string, string>>;
type Drill = Awaited<ReturnType<typeof drill>>;

/** What is at once, running the command included, on a machine that may be busy, in ms. */
const SOON = 5_000;

/** A relay to a target that echoes, in front of which blackouts are thrown. */
async function drill(environment: Environment = {}) {
  const mode = environment['MODE'] ?? 'tcp';
  const target = mode === 'udp' ? await udpEcho() : await tcpEcho();
  const port = await closedPort();
  const isProxy = mode === 'http-proxy';
  const full = {
    TARGET: '127.0.0.1',
    ...(isProxy
      ? { PORT: String(target.port), LISTEN: String(port), NAME_CHECK: 'off' }
      : { PORT: `${port}:${target.port}` }),
    ...environment,
  };
  const relay = startSallyport(full);
  await relay.line('listening');
  return {
    relay,
    port,
    target,
    environment: { ...full, SALLYPORT_RUN_DIR: relay.runDir },
    /** A client that has got something back from the target. */
    live: async () => {
      const client = await tcpClient(port);
      if (isProxy) {
        client.write(`CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\n\r\n`);
        await readSome(client);
      }
      await echo(client);
      return client;
    },
    /** What a new client sees. */
    call: (localAddress = '127.0.0.1') =>
      new Promise((resolve) => {
        const client = connect({ port, host: '127.0.0.1', localAddress }).resume();
        client.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code));
        client.once('end', () => resolve(null));
      }),
    blackout: (...args: string[]) => blackout(relay, ...args),
  };
}

async function tcpEcho() {
  let count = 0;
  const { port } = await tcpServer((socket) => {
    count++;
    socket.pipe(socket);
  });
  return { port, count: () => count };
}

async function udpEcho() {
  const heard: string[] = [];
  const socket = await udpSocket();
  socket.on('message', (datagram, client) => {
    heard.push(datagram.toString());
    socket.send(datagram, client.port, client.address);
  });
  return { port: socket.address().port, heard, count: () => heard.length };
}

async function echo(client: Socket): Promise<void> {
  client.write('hello');
  expect((await readSome(client, 5)).toString()).toBe('hello');
}

/** Runs the command beside a relay; what it says. */
async function blackout({ runDir }: Sallyport, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram('sallyport', ['blackout', ...args], {
    SALLYPORT_RUN_DIR: runDir,
  });
  expect([code, stderr]).toEqual([0, '']);
  return stdout.trimEnd();
}

/** The two ways to throw the switch; each resolves when the relay has said so. */
const SWITCHES: Readonly<Record<string, { readonly on: Throw; readonly off: Throw }>> = {
  command: {
    on: async ({ blackout: run }) => void (await run('on')),
    off: async ({ blackout: run }) => void (await run('off')),
  },
  signal: {
    on: async ({ relay }) => {
      relay.process.kill('SIGUSR2');
      await relay.line('blackout on');
    },
    off: async ({ relay }) => {
      relay.process.kill('SIGHUP');
      await relay.line('blackout off');
    },
  },
};
type Throw = (drill: Drill) => Promise<void>;

test.each(
  ['tcp', 'http-proxy'].flatMap((MODE) =>
    ['1', '2'].flatMap((WORKERS) => Object.keys(SWITCHES).map((by) => ({ MODE, WORKERS, by }))),
  ),
)('a blackout resets live and new clients at once, and ends at once: %j', async ({ by, ...environment }) => {
  const { on, off } = SWITCHES[by] ?? {};
  const it = await drill(environment);
  const clients = await Promise.all(Array.from({ length: 8 }, it.live));
  const reached = it.target.count();
  const ends = clients.map(endOf);
  const startedAt = performance.now();
  await on?.(it);
  expect(await Promise.all(ends)).toEqual(clients.map(() => 'ECONNRESET'));
  const calls = Array.from({ length: 8 }, () => it.call());
  expect(await Promise.all(calls)).toEqual(calls.map(() => 'ECONNRESET'));
  expect(await it.call(PROBE_SOURCE)).toBe('ECONNRESET');
  expect(performance.now() - startedAt).toBeLessThan(SOON);
  expect(it.target.count()).toBe(reached);
  await off?.(it);
  // In whatever order their threads tell it.
  for (const client of ['healthcheck', expect.stringMatching(/^127\.0\.0\.1:\d+$/)]) {
    const refusal = expect.objectContaining({ client, rule: 'blackout', decision: 'refused' });
    await expect.poll(() => it.relay.lines).toContainEqual(refusal);
  }
  await it.live();
  expect(it.relay.process.exitCode).toBe(null);
});

test.each(['tcp', 'udp', 'http-proxy'].flatMap((MODE) => ['1', '2'].map((WORKERS) => ({ MODE, WORKERS }))))(
  'whom a blackout has refused is counted in the log before its end: %j',
  async (environment) => {
    const it = await drill(environment);
    await it.blackout('on');
    const clients = await Promise.all(Array.from({ length: 10 }, () => udpSocket()));
    await Promise.all(
      clients.map(async (client) => {
        if (environment.MODE !== 'udp') return it.call();
        return new Promise((sent) => client.send('x', it.port, '127.0.0.1', sent));
      }),
    );
    const refusedBy = async () => {
      const { stdout } = await runProgram('sallyport', ['status', '--json'], it.environment);
      return (JSON.parse(stdout) as Status).ports[0]?.refusedBy;
    };
    await expect.poll(refusedBy).toEqual({ blackout: 10 });
    await it.blackout('off');
    const lines = await stopForWarnings(it.relay);
    const messages = lines.map(({ msg }) => msg);
    const refused = lines.filter(({ rule }) => rule === 'blackout');
    expect(refused.length).toBe(10);
    expect(messages.findLastIndex((message) => message.startsWith('refused'))).toBeLessThan(
      messages.indexOf('blackout off'),
    );
  },
);

test.each(['1', '2'])('a blackout drops datagrams and ends sessions (WORKERS=%s)', async (WORKERS) => {
  const it = await drill({ MODE: 'udp', WORKERS, VERBOSE: '1' });
  const client = await udpSocket();
  const send = (text: string) => client.send(text, it.port, '127.0.0.1');
  let answered = once(client, 'message');
  send('before');
  await answered;
  await it.blackout('on');
  expect(await it.relay.line('session ended')).toMatchObject({ ending: 'cut off', sent: 6, received: 6 });
  send('during');
  expect(await it.relay.line('refused')).toMatchObject({ rule: 'blackout' });
  await it.blackout('off');
  answered = once(client, 'message');
  send('after');
  await answered;
  expect((it.target as Awaited<ReturnType<typeof udpEcho>>).heard).toEqual(['before', 'after']);
});

test('a blackout drops datagrams to which no answers are expected', async () => {
  const it = await drill({ MODE: 'udp', UDP_ANSWERS: '0' });
  const { heard } = it.target as Awaited<ReturnType<typeof udpEcho>>;
  const client = await udpSocket();
  const send = (text: string) => client.send(text, it.port, '127.0.0.1');
  send('before');
  await expect.poll(() => heard).toEqual(['before']);
  await it.blackout('on');
  send('during');
  await it.relay.line('refused');
  await it.blackout('off');
  send('after');
  await expect.poll(() => heard).toEqual(['before', 'after']);
});

test.each(['tcp', 'http-proxy'])(
  'blackout on --drain refuses new clients, and live ones go on (MODE=%s)',
  async (MODE) => {
    const it = await drill({ MODE, WORKERS: '2', MAX_CONNECTIONS: '1' });
    const client = await it.live();
    const waiting = await tcpClient(it.port);
    expect(await it.blackout('on', '--drain')).toMatch(/^blackout draining since \S+Z \(command\)$/);
    expect(await endOf(waiting)).toBe('ECONNRESET');
    expect(await it.call()).toBe('ECONNRESET');
    await echo(client);
    client.end();
    expect(await endOf(client)).toBe(null);
    expect(await it.call()).toBe('ECONNRESET');
    await it.blackout('off');
    await it.live();
  },
);

test('blackout on --drain lets UDP sessions go on, and opens no other', async () => {
  const it = await drill({ MODE: 'udp' });
  const [old, young] = [await udpSocket(), await udpSocket()];
  for (const [state, client] of [
    ['before', old],
    ['draining', old],
  ] as const) {
    const answered = once(client, 'message');
    client.send(state, it.port, '127.0.0.1');
    await answered;
    if (state === 'before') await it.blackout('on', '--drain');
  }
  young.send('hello', it.port, '127.0.0.1');
  expect(await it.relay.line('refused')).toMatchObject({ client: `127.0.0.1:${young.address().port}` });
  expect((it.target as Awaited<ReturnType<typeof udpEcho>>).heard).toEqual(['before', 'draining']);
});

test('a client that waits for its turn is reset too', async () => {
  const it = await drill({ MAX_CONNECTIONS: '1' });
  await it.live();
  const waiting = await tcpClient(it.port);
  await it.blackout('on');
  expect(await endOf(waiting)).toBe('ECONNRESET');
});

test('blackout on --for ends by itself, and says when', async () => {
  const it = await drill();
  const startedAt = Date.now();
  const said = await it.blackout('on', '--for', '500ms');
  const [, since = '', until = ''] = /^blackout on since (\S+Z) \(command\), until (\S+Z)$/.exec(said) ?? [];
  expect(Date.parse(until) - Date.parse(since)).toBe(500);
  expect(Date.parse(since)).toBeGreaterThanOrEqual(startedAt);
  expect(await it.relay.line('blackout off')).toMatchObject({ level: 'warn', by: 'timer', until: null });
  await it.live();
  expect(await it.blackout('status')).toMatch(/^blackout off since \S+Z \(timer\)$/);
});

test('blackout status, sallyport status and the log tell the same', async () => {
  const it = await drill();
  expect(await it.blackout('status')).toMatch(/^blackout off since \S+Z \(start\)$/);
  const said = await it.blackout('on', '--for=1h');
  expect(await it.blackout('status')).toBe(said);
  const { stdout } = await runProgram('sallyport', ['status'], it.environment);
  expect(stdout.split('\n')[1]).toBe(said);
  const check = await runProgram('sallyport', ['check'], it.environment);
  expect(check.stdout).toContain(`\nWarnings\n  the relay here lets nobody in: ${said}\n`);
  const { since, until, by } = await it.relay.line('blackout on');
  expect(said).toBe(`blackout on since ${String(since)} (${String(by)}), until ${String(until)}`);
  const json = await runProgram('sallyport', ['status', '--json'], it.environment);
  expect(JSON.parse(json.stdout)).toMatchObject({ blackout: { state: 'on', since, until, by: 'command' } });
  expect(await it.blackout('off')).toMatch(/^blackout off since \S+Z \(command\)$/);
});

test.each(['1', '2'])('BLACKOUT=1 begins with it, before anything listens (WORKERS=%s)', async (WORKERS) => {
  const it = await drill({ BLACKOUT: '1', WORKERS });
  expect(it.relay.lines[0]).toMatchObject({ msg: 'blackout on', by: 'start' });
  expect(await it.call()).toBe('ECONNRESET');
  it.relay.process.kill('SIGHUP');
  await it.relay.line('blackout off');
  await it.live();
});

test('the healthcheck says that a blackout is on, sends no probes, and stays healthy', async () => {
  const it = await drill({ HTTP_HEALTHCHECK: '1', HTTP_HEALTHCHECK_TIMEOUT_MS: '200' });
  const said = await it.blackout('on');
  expect(await runHealthcheck(it.environment)).toEqual({ code: 0, output: `${said}\n` });
  expect(await runHealthcheck({ ...it.environment, BLACKOUT_HEALTH: 'unhealthy' })).toEqual({
    code: 1,
    output: `unhealthy: ${said}\n`,
  });
  expect(it.relay.lines.filter(({ msg }) => msg === 'refused')).toEqual([]);
  await it.blackout('off');
  // The target echoes, which is no HTTP: the probe is sent again.
  expect((await runHealthcheck(it.environment)).output).toMatch(/^unhealthy: no answer to GET /);
});

test('the switch is this user’s alone', async () => {
  const it = await drill();
  expect(statSync(join(it.relay.runDir, 'control.sock')).mode & 0o777).toBe(0o600);
});

/** What comes back on the control socket for a request, up to its end. */
async function answerTo(runDir: string, request: string): Promise<string> {
  const socket = connect(join(runDir, 'control.sock'));
  socket.on('error', () => {}).end(request);
  const said: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => said.push(chunk));
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(said).toString();
}

test.each([
  ['on', /JSON object/],
  ['null', /JSON object/],
  ['["on"]', /JSON object/],
  ['{"blackout":"on"', /JSON object/],
  ['x'.repeat(2_000), /1024 bytes/],
  ['{}', /^blackout=undefined: it takes off, on, draining$/],
  ['{"blackout":"dark"}', /^blackout="dark": /],
  ['{"blackout":["on"]}', /^blackout=\["on"\]: /],
  ['{"blackout":"on","for":5}', /^for is unknown: /],
  ['{"__proto__":{"blackout":"on"}}', /^__proto__ is unknown: /],
  ['{"blackout":"off","duration":5}', /^duration=5: it goes with /],
  ...[
    '"abc"',
    '{}',
    'true',
    '0',
    '-5',
    '0.5',
    '1e20',
    '1e300',
    '2147483648',
    String(35 * 24 * 3_600_000),
  ].map((duration): [string, RegExp] => [
    `{"blackout":"on","duration":${duration}}`,
    /^duration=\S+: it takes a whole number of ms from 1 to 2147483647, or null$/,
  ]),
])('what is no request is refused, and changes nothing: %j', async (request, problem) => {
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${await closedPort()}:1` });
  await relay.line('listening');
  const before = await blackout(relay, 'on', '--for', '1h');
  expect(JSON.parse(await answerTo(relay.runDir, request))).toMatchObject({
    error: expect.stringMatching(problem),
    blackout: { state: 'on' },
  });
  expect(await blackout(relay, 'status')).toBe(before);
});

test('the longest blackout is as long as a timer can wait', async () => {
  const it = await drill();
  const longest = JSON.stringify({ blackout: 'on', duration: MAX_TIMEOUT });
  expect(JSON.parse(await answerTo(it.relay.runDir, longest))).toMatchObject({ blackout: { state: 'on' } });
  expect(await it.blackout('status')).toMatch(/^blackout on /);
});

test('a request that goes on without an end, and too many of them, are cut off', async () => {
  const it = await drill();
  const path = join(it.relay.runDir, 'control.sock');
  const drips = Array.from({ length: 100 }, () => {
    const socket = connect(path).on('error', () => {});
    const drip = setInterval(() => socket.write(' '), 200);
    return new Promise((resolve) => socket.resume().once('close', () => resolve(clearInterval(drip))));
  });
  await Promise.all(drips);
  expect(await it.blackout('status')).toMatch(/^blackout off /);
});

test('where no relay runs, blackout ends with 1 and says what to do', async () => {
  const SALLYPORT_RUN_DIR = '/nonexistent';
  const { code, stderr } = await runProgram('sallyport', ['blackout', 'on'], { SALLYPORT_RUN_DIR });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^sallyport: no relay answers here: there is no control socket in \/nonexistent\n/);
});
