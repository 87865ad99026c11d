import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { say, webServer } from '../helpers/http-relay.ts';
import { scrape } from '../helpers/metrics.ts';
import {
  runHealthcheck,
  runSallyport,
  startSallyport,
  statusIn,
  temporaryDirectory,
} from '../helpers/program.ts';
import {
  closedPort,
  closedRange,
  endOf,
  readAll,
  readSome,
  tcpClient,
  tcpServer,
  udpSocket,
} from '../helpers/sockets.ts';

const READ = 'TARGET_FILE is read: its list is in force';
const UNUSABLE = 'TARGET_FILE cannot be used: the list in force stays';

/** A door that goes by a file, how to write that file anew, and how to wait until the door has taken it over, or has not. */
async function openDoor(rules: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const path = join(temporaryDirectory(), 'targets');
  const write = (lines: readonly string[]) => {
    writeFileSync(`${path}.new`, `# Written by a test.\n\n${lines.join('\n')}\n`);
    renameSync(`${path}.new`, path);
  };
  write(rules);
  const names = ['one.test', 'two.test', 'three.test', 'logs.test'];
  const answer = zone(names.map((name) => a(name, '127.0.0.1')));
  const nameserver = await scriptedServer((query, how) =>
    query.questions?.[0]?.name.toLowerCase() === 'mute.test' ? [] : answer(query, how),
  );
  const full = {
    TARGET_FILE: path,
    PRE_RESOLVE: '1',
    NAMESERVERS: `127.0.0.1:${nameserver.port}`,
    TARGET_SCOPE: 'any',
    ...environment,
  };
  const relay = startSallyport(full);
  await relay.line('listening');
  const times = (message: string) => relay.lines.filter(({ msg }) => msg === message).length;
  const reread = async (message: string, change: () => void) => {
    const before = times(message);
    change();
    await expect.poll(() => times(message), { timeout: 10_000 }).toBeGreaterThan(before);
  };
  return {
    relay,
    path,
    write,
    environment: { ...full, SALLYPORT_RUN_DIR: relay.runDir },
    takeOver: (lines: readonly string[]) => reread(READ, () => write(lines)),
    refuse: (lines: readonly string[]) => reread(UNUSABLE, () => write(lines)),
    reread,
  };
}

/** A server that greets with a name and echoes what it hears. */
async function greeter(name: string): Promise<number> {
  const { port } = await tcpServer((socket) => {
    socket.write(name);
    socket.pipe(socket);
  });
  return port;
}

/** Whether a byte comes back, once what was said before has been read. */
async function echoes(client: Socket): Promise<boolean> {
  client.write('!');
  return (await readSome(client)).toString() === '!';
}

test.each(['1', '2'])(
  'a changed list is taken over: what is gone ends, what is new comes, the rest goes on (WORKERS=%s)',
  async (WORKERS) => {
    const [one, two, three] = await Promise.all(['one', 'two', 'three'].map(greeter));
    const [first, second, third] = [await closedPort(), await closedPort(), await closedPort()];
    const stays = `one.test:${first}:${one}`;
    const { relay, takeOver } = await openDoor([stays, `two.test:${second}:${two}`], { WORKERS });
    const living = await tcpClient(first);
    expect((await readSome(living, 3)).toString()).toBe('one');
    const dying = await tcpClient(second);
    expect((await readSome(dying, 3)).toString()).toBe('two');
    const streaming = setInterval(() => living.write('.'), 5);
    onTestFinished(() => clearInterval(streaming));
    let echoed = 0;
    living.on('data', (chunk: Buffer) => (echoed += chunk.length)).resume();

    const ended = endOf(dying);
    await takeOver([stays, `three.test:${third}:${three}`]);
    expect(await ended).toBe('ECONNRESET');
    expect((await readSome(await tcpClient(third), 5)).toString()).toBe('three');
    await expect(tcpClient(second)).rejects.toThrow('ECONNREFUSED');
    const before = echoed;
    await expect.poll(() => echoed).toBeGreaterThan(before + 10);
    expect(relay.lines.filter(({ msg }) => msg === 'refused')).toEqual([
      expect.objectContaining({ port: second, rule: 'no longer in TARGET', name: 'two.test' }),
    ]);
    const { ports, targets } = await statusIn(relay.runDir);
    expect(ports.map(({ port }) => port)).toEqual([first, third]);
    expect(targets).toEqual(['one.test', 'three.test']);
  },
);

test.each(['1', '2'])(
  'a list of 1,000 other rules is taken over while bytes go through a port that stays: all come, as they were (WORKERS=%s)',
  async (WORKERS) => {
    const { port: one } = await tcpServer((socket) => socket.pipe(socket));
    const [first, shared, low] = [await closedPort(), await closedPort(), await closedRange(200)];
    const stays = `one.test:${first}:${one}`;
    const rules = (name: string) => [
      stays,
      ...Array.from({ length: 899 }, (_, i) => `${name}${i}.test:${shared}:80`),
      ...Array.from({ length: 100 }, (_, i) => `${name}.test:${low + (name === 'a' ? 0 : 100) + i}:80`),
    ];
    const { relay, takeOver } = await openDoor(rules('a'), { WORKERS });
    const client = await tcpClient(first);
    const over = new AbortController();
    let echoed = 0;
    const stream = async () => {
      while (!over.signal.aborted) {
        const chunk = randomBytes(50_000);
        client.write(chunk);
        expect((await readSome(client, chunk.length)).equals(chunk)).toBe(true);
        echoed += chunk.length;
      }
    };
    const streaming = stream();
    await expect.poll(() => echoed).toBeGreaterThan(0);
    const before = echoed;
    await Promise.race([takeOver(rules('b')), streaming]);
    const after = echoed;
    expect(after).toBeGreaterThan(before);
    await expect.poll(() => echoed).toBeGreaterThan(after);
    over.abort();
    await streaming;
    client.end();
    expect(await endOf(client)).toBe(null);
    const { ports, targets } = await statusIn(relay.runDir);
    expect([ports.length, targets.length, targets.at(-1)]).toEqual([102, 901, 'b.test']);
  },
  60_000,
);

test.each(['1', '2'])(
  'a port that leads to another name ends those of the former (WORKERS=%s)',
  async (WORKERS) => {
    const [one, two] = await Promise.all(['one', 'two'].map(greeter));
    const port = await closedPort();
    const { takeOver } = await openDoor([`one.test:${port}:${one}`], { WORKERS });
    const client = await tcpClient(port);
    expect((await readSome(client, 3)).toString()).toBe('one');
    const ended = endOf(client);
    await takeOver([`two.test:${port}:${two}`]);
    expect(await ended).toBe('ECONNRESET');
    expect((await readSome(await tcpClient(port), 3)).toString()).toBe('two');
  },
);

/** A server over UDP that answers with a name. */
async function answerer(name: string): Promise<number> {
  const socket = await udpSocket();
  socket.on('message', (_text, from) => socket.send(name, from.port, from.address));
  return socket.address().port;
}

test.each(['1', '2'])(
  'a port of UDP that leads to another name ends sessions to the former, and goes on counting (WORKERS=%s)',
  async (WORKERS) => {
    const [one, two] = await Promise.all(['one', 'two'].map(answerer));
    const port = await closedPort();
    const client = await udpSocket();
    const ask = async () => {
      const answered = once(client, 'message') as Promise<[Buffer]>;
      client.send('?', port, '127.0.0.1');
      return (await answered)[0].toString();
    };
    const { relay, takeOver } = await openDoor([`one.test:${port}:${one}/udp`], { WORKERS });
    expect(await ask()).toBe('one');
    await takeOver([`two.test:${port}:${two}/udp`]);
    expect(await ask()).toBe('two');
    expect((await statusIn(relay.runDir)).ports).toEqual([
      expect.objectContaining({ port, opened: 2, refusedBy: { 'no longer in TARGET': 1 } }),
    ]);
    expect(await relay.line('refused')).toMatchObject({
      port,
      protocol: 'udp',
      client: `127.0.0.1:${client.address().port}`,
      name: 'one.test',
      rule: 'no longer in TARGET',
    });
  },
);

test.each(['1', '2'])(
  'a port that is listened on no longer may be dialled: it is no loop (WORKERS=%s)',
  async (WORKERS) => {
    const one = await greeter('one');
    const [first, second] = [await closedPort(), await closedPort()];
    const { takeOver } = await openDoor([`one.test:${first}:${one}`], { WORKERS });
    await takeOver([`two.test:${second}:${first}`]);
    await tcpServer((socket) => socket.end('another'), '127.0.0.1', first);
    expect((await readAll(await tcpClient(second))).toString()).toBe('another');
  },
);

test.each(['1', '2'])(
  'while the door drains, a list takes away and gives nothing (WORKERS=%s)',
  async (WORKERS) => {
    const [one, two] = await Promise.all(['one', 'two'].map(greeter));
    const [first, second, third] = [await closedPort(), await closedPort(), await closedPort()];
    const stays = `one.test:${first}:${one}`;
    const { relay, takeOver } = await openDoor([stays, `two.test:${second}:${two}`], {
      WORKERS,
      DRAIN_TIMEOUT_MS: '60000',
    });
    const [living, dying] = [await tcpClient(first), await tcpClient(second)];
    await Promise.all([readSome(living, 3), readSome(dying, 3)]);
    relay.process.kill('SIGTERM');
    await relay.line('stopping');
    const ended = endOf(dying);
    await takeOver([stays, `three.test:${third}:${two}`]);
    expect(await ended).toBe('ECONNRESET');
    await expect(tcpClient(third)).rejects.toThrow('ECONNREFUSED');
    expect(await echoes(living)).toBe(true);
    living.destroy();
    expect((await relay.ended).code).toBe(0);
  },
);

test.each(['1', '2'])(
  'a tunnel to what is gone ends, and one to what stays goes on (WORKERS=%s)',
  async (WORKERS) => {
    const [one, two] = await Promise.all(['one', 'two'].map(greeter));
    const proxy = await closedPort();
    const { relay, takeOver } = await openDoor([`one.test:${one}`, `two.test:${two}`], {
      WORKERS,
      MODE: 'http-proxy',
      LISTEN: `${proxy}`,
      NAME_CHECK: 'off',
    });
    const open = async (name: string, port: number | undefined) => {
      const tunnel = await tcpClient(proxy);
      tunnel.write(`CONNECT ${name}:${port} HTTP/1.1\r\nHost: ${name}:${port}\r\n\r\n`);
      const greeted = `HTTP/1.1 200 Connection Established\r\n\r\n${name.slice(0, 3)}`;
      expect((await readSome(tunnel, greeted.length)).toString()).toBe(greeted);
      return tunnel;
    };
    const [living, dying] = [await open('one.test', one), await open('two.test', two)];
    const ended = endOf(dying);
    // The other one is still a name, but not at that port.
    await takeOver([`one.test:${one}`, `two.test:${one}`]);
    expect(await ended).toBe('ECONNRESET');
    expect(await echoes(living)).toBe(true);
    const refused = relay.lines.filter(({ msg }) => msg === 'refused');
    expect(refused.map(({ rule, name }) => [rule, name])).toEqual([
      ['no longer in TARGET', `two.test:${two}`],
    ]);
  },
);

test.each(['1', '2'])(
  'who waits for DNS is held to the new list, over TCP and UDP (WORKERS=%s)',
  async (WORKERS) => {
    const [first, second, third] = [await closedPort(), await closedPort(), await closedPort()];
    const one = await greeter('one');
    const stays = `one.test:${first}:${one}`;
    const { relay, takeOver } = await openDoor([stays, `mute.test:${second}`, `mute.test:${third}/udp`], {
      WORKERS,
    });
    const waiting = await tcpClient(second);
    waiting.write('?');
    const client = await udpSocket();
    client.send('?', third, '127.0.0.1');
    const opened = async () => (await statusIn(relay.runDir)).ports.map((port) => port.live);
    await expect.poll(opened).toEqual([0, 1, 1]);
    const ended = endOf(waiting);
    await takeOver([stays]);
    expect(await ended).toBe('ECONNRESET');
    const refused = relay.lines.filter(({ msg }) => msg === 'refused');
    const gone = { rule: 'no longer in TARGET' };
    expect(refused).toHaveLength(2);
    expect(refused).toContainEqual(expect.objectContaining({ ...gone, protocol: 'tcp', name: 'mute.test' }));
    expect(refused).toContainEqual(expect.objectContaining({ ...gone, protocol: 'udp', name: 'mute.test' }));
  },
);

test.each(['1', '2'])('who is kept alive is held to the new list (WORKERS=%s)', async (WORKERS) => {
  const web = await webServer((request, response) => response.end(request.headers.host));
  const port = await closedPort();
  const rule = (name: string) => `${name}:${port}:${web}`;
  const { takeOver } = await openDoor([rule('one.test'), rule('two.test')], {
    WORKERS,
    MAX_CONNECTIONS: '1',
  });
  const get = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const kept = await tcpClient(port);
  kept.write(get('one.test'));
  expect((await readSome(kept, 20)).toString()).toMatch(/^HTTP\/1.1 200 /);
  await takeOver([rule('one.test'), rule('three.test')]);
  kept.resume();
  kept.write(get('two.test'));
  const answer = await readAll(kept);
  expect(answer.toString()).toMatch(/HTTP\/1.1 403 /);
  expect(await say(port, get('three.test').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))).toMatch(
    /three\.test$/,
  );
});

test.each(['1', '2'])(
  'who has waited for a slot does not reach what was listed before (WORKERS=%s)',
  async (WORKERS) => {
    const [one, two] = await Promise.all(['one', 'two'].map(greeter));
    const port = await closedPort();
    const { relay, takeOver } = await openDoor([`one.test:${port}:${one}`], {
      WORKERS,
      MAX_CONNECTIONS: '1',
    });
    const holding = await tcpClient(port);
    expect((await readSome(holding, 3)).toString()).toBe('one');
    const waiting = await tcpClient(port);
    await expect.poll(async () => (await statusIn(relay.runDir)).ports[0]?.waiting).toBe(1);
    const outcomes = Promise.all([endOf(holding), endOf(waiting)]);
    await takeOver([`two.test:${port}:${two}`]);
    expect(await outcomes).toEqual(['ECONNRESET', 'ECONNRESET']);
    expect(waiting.bytesRead).toBe(0);
    expect((await readSome(await tcpClient(port), 3)).toString()).toBe('two');
  },
);

test('a list that cannot be used changes nothing, and is shown wherever one looks', async () => {
  const one = await greeter('one');
  const [port, admin] = [await closedPort(), await closedPort()];
  const { relay, path, environment, takeOver, refuse } = await openDoor([`one.test:${port}:${one}`], {
    ADMIN_PORT: `${admin}`,
  });
  const client = await tcpClient(port);
  await readSome(client, 3);
  expect((await scrape(admin))['sallyport_target_file_problem']).toBe(0);

  await refuse([`one.test:${port}:${one}`, 'two.test:http', 'three.test:0']);
  const problem = `TARGET_FILE="${path}": line 4, "two.test:http": 'http' is no port;`;
  expect((await relay.line(UNUSABLE))['err']).toMatch(`${problem} it takes `);
  expect((await statusIn(relay.runDir)).targetFile?.problem).toContain(problem);
  expect((await runSallyport(['status'], environment)).output).toContain(
    `TARGET_FILE=${path} cannot be used; `,
  );
  expect(await runHealthcheck(environment)).toEqual({
    code: 0,
    output: expect.stringContaining(
      `healthy; the list in force stays, as TARGET_FILE cannot be used: ${problem}`,
    ),
  });
  expect((await scrape(admin))['sallyport_target_file_problem']).toBe(1);
  expect(await echoes(client)).toBe(true);

  await refuse(['one.test:80 one.test:80']);
  await refuse(Array.from({ length: 100 }, () => '!'.repeat(10_000)));
  const { problem: long = '' } = (await statusIn(relay.runDir)).targetFile ?? {};
  expect(long).toMatch(/; and 92 more$/);
  expect(long?.length).toBeLessThan(10_000);
  await refuse(['# nobody']);
  await takeOver([`one.test:${port}:${one}`]);
  expect((await statusIn(relay.runDir)).targetFile).toMatchObject({ path, problem: null });
  expect(await runHealthcheck(environment)).toEqual({ code: 0, output: 'healthy\n' });
  expect((await scrape(admin))['sallyport_target_file_problem']).toBe(0);
  expect(await echoes(client)).toBe(true);
});

const OTHERS = {
  'a server': async () => (await tcpServer(() => {})).port,
  'a door with WORKERS': async () => {
    const port = await closedPort();
    await startSallyport({ TARGET: 'localhost', WORKERS: '2', PORT: String(port) }).line('listening');
    return port;
  },
};

test.each(
  (['a server', 'a door with WORKERS'] as const).flatMap((other) =>
    ['1', '2'].map((WORKERS) => ({ other, WORKERS })),
  ),
)('a list with a port that another program has changes nothing: %j', async ({ other, WORKERS }) => {
  const one = await greeter('one');
  const taken = await OTHERS[other]();
  const [port, free] = [await closedPort(), await closedPort()];
  const { relay, refuse } = await openDoor([`one.test:${port}:${one}`], { WORKERS });
  await refuse([`one.test:${port}:${one}`, `two.test:${free}:${one}`, `three.test:${taken}:${one}`]);
  expect((await relay.line(UNUSABLE))['err']).toMatch(`failed to listen on tcp port ${taken}`);
  await expect(tcpClient(free)).rejects.toThrow('ECONNREFUSED');
  expect((await readSome(await tcpClient(port), 3)).toString()).toBe('one');
  expect((await statusIn(relay.runDir)).targets).toEqual(['one.test']);
});

test('SIGHUP reads the list again, and leaves a blackout on; a command ends it', async () => {
  const one = await greeter('one');
  const port = await closedPort();
  const { relay, environment, reread } = await openDoor([`one.test:${port}:${one}`]);
  relay.process.kill('SIGUSR2');
  await relay.line('blackout on');
  await reread(READ, () => relay.process.kill('SIGHUP'));
  expect((await statusIn(relay.runDir)).blackout.state).toBe('on');
  expect((await runSallyport(['blackout', 'off'], environment)).code).toBe(0);
  expect((await readSome(await tcpClient(port), 3)).toString()).toBe('one');
});

test('what has changed while the door was opened is taken over; what has not is not told of', async () => {
  const [one, two] = await Promise.all(['one', 'two'].map(greeter));
  const port = await closedPort();
  const path = join(temporaryDirectory(), 'targets');
  // It has been read when the first name is asked for, and the list goes on before it is watched.
  writeFileSync(path, `one.test:${port}:${one}\n`);
  const preload = join(temporaryDirectory(), 'preload.cjs');
  writeFileSync(
    preload,
    `const { writeFileSync } = require('node:fs');
     const read = process.on;
     process.on = function (event, ...rest) {
       if (event === 'SIGHUP') writeFileSync(${JSON.stringify(path)}, 'two.test:${port}:${two}\\n');
       return read.call(this, event, ...rest);
     };`,
  );
  const nameserver = await scriptedServer(zone(['one.test', 'two.test'].map((name) => a(name, '127.0.0.1'))));
  const relay = startSallyport({
    TARGET_FILE: path,
    PRE_RESOLVE: '1',
    NAMESERVERS: `127.0.0.1:${nameserver.port}`,
    TARGET_SCOPE: 'any',
    NODE_OPTIONS: `--require=${preload}`,
  });
  expect(await relay.line('listening')).toMatchObject({ targets: ['one.test'] });
  expect(await relay.line(READ)).toMatchObject({ targets: ['two.test'] });
  expect((await readSome(await tcpClient(port), 3)).toString()).toBe('two');
  expect(relay.lines.filter(({ msg }) => msg === READ)).toHaveLength(1);
});

test.each<[string, (path: string) => void, RegExp]>([
  ['a directory', (path) => mkdirSync(path), /cannot be read: it is no regular file/],
  ['a pipe', (path) => execFileSync('mkfifo', [path]), /cannot be read: it is no regular file/],
  [
    'longer than 1 MiB',
    (path) => writeFileSync(path, '#'.repeat(1024 * 1024 + 1)),
    /it is longer than 1048576 bytes/,
  ],
  // A first line may be empty by chance.
  [
    'binary',
    (path) => writeFileSync(path, Buffer.concat([Buffer.of(0), randomBytes(10_000)])),
    /line 1, .{1,2000}; it takes /,
  ],
])('a list that is %s changes nothing', async (_what, make, problem) => {
  const one = await greeter('one');
  const port = await closedPort();
  const { relay, path, reread } = await openDoor([`one.test:${port}:${one}`]);
  await reread(UNUSABLE, () => {
    rmSync(path);
    make(path);
    relay.process.kill('SIGHUP');
  });
  expect((await relay.line(UNUSABLE))['err']).toMatch(problem);
  expect((await readSome(await tcpClient(port), 3)).toString()).toBe('one');
});

test('a list takes a byte order mark, lines that end with CR LF, tabs, commas and comments', async () => {
  const [one, two] = await Promise.all(['one', 'two'].map(greeter));
  const [first, second] = [await closedPort(), await closedPort()];
  const { path, reread } = await openDoor([`one.test:${first}:${one}`]);
  const text = `\uFEFF# from Windows\r\n\tONE.test:${first}:${one},\t\r\n\r\ntwo.test:${second}:${two} # two\r\n`;
  await reread(READ, () => writeFileSync(path, text));
  expect((await readSome(await tcpClient(first), 3)).toString()).toBe('one');
  expect((await readSome(await tcpClient(second), 3)).toString()).toBe('two');
});

test('a start with a list that cannot be used ends, with every line that is wrong', async () => {
  const path = join(temporaryDirectory(), 'targets');
  writeFileSync(path, 'a.test:443 # fine\nb.test:http\n*.c.test/sctp\n');
  const { code, output } = await startSallyport({ TARGET_FILE: path }).ended;
  expect(code).toBe(78);
  expect(output).toContain(`TARGET_FILE="${path}": line 2, "b.test:http": 'http' is no port; it takes`);
  expect(output).toContain(`TARGET_FILE="${path}": line 3, "*.c.test/sctp": '/sctp' is no protocol`);

  const both = await startSallyport({ TARGET_FILE: path, TARGET: 'a.test' }).ended;
  expect(both.output).toContain('TARGET is set too, and one of them alone can say the list');
  const none = await startSallyport({ TARGET_FILE: `${path}.none` }).ended;
  expect(none.output).toMatch(/the file cannot be read: ENOENT/);
});
