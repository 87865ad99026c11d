import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import type { Status } from '../../src/control/protocol.ts';
import { builtPrograms } from '../helpers/built-programs.ts';
import { startDaemon } from '../helpers/daemon.ts';
import { type Namespace, openStar } from '../helpers/namespaces.ts';
import { temporaryDirectory } from '../helpers/program.ts';

const PORT = 587;
const HTTP_PORT = 8_080;
const RANGES = { 4: '10.83.1.128/25', 6: 'fd83:1::1:0/112' } as const;
const DOOR = '10.83.1.1';
const PATH = process.env['PATH'] ?? '';

type Settings = Readonly<Record<string, string>>;

/** A server that speaks first, and answers datagrams and HTTP, with its own name. */
const server = (name: string) => `
  http.createServer((_, response) => response.end('${name}')).listen(${HTTP_PORT}, '::');
  net.createServer((socket) => socket.on('error', () => {}).end('${name}')).listen(${PORT}, '::', () => {
    const socket = dgram.createSocket('udp6');
    socket.on('message', (datagram, from) => socket.send('${name} ' + datagram, from.port, from.address));
    socket.bind(${PORT}, () => console.log('serves'));
  });
`;
/** It knows just enough of SMTP for a probe. */
const mailServer = `
  net.createServer((socket) => {
    socket.on('error', () => {}).write('220 welcome\\r\\n');
    socket.on('data', () => socket.write('250 OK\\r\\n'));
  }).listen(25, '::', () => console.log('serves'));
`;
/** What a client hears over TCP, and the error that ended it. */
const connect = (host: string) => `
  let heard = '';
  let error = null;
  net.connect(${PORT}, '${host}')
    .on('data', (bytes) => (heard += bytes))
    .on('error', ({ code }) => (error = code))
    .on('close', () => console.log(JSON.stringify({ heard, error })));
`;
/** What a client hears over UDP, from whom alone it asks. */
const ask = (host: string) => `
  const socket = dgram.createSocket('${host.includes(':') ? 'udp6' : 'udp4'}');
  socket.on('message', (datagram) => {
    console.log(JSON.stringify(String(datagram)));
    socket.close();
  });
  socket.connect(${PORT}, '${host}', () => socket.send('hello'));
`;
/** What the door's own DNS says of a name. */
const resolve = (name: string, family: 4 | 6) => `
  const resolver = new dns.promises.Resolver({ tries: 1 });
  resolver.setServers(['${DOOR}']);
  resolver.resolve${family}('${name}').then(
    (addresses) => console.log(JSON.stringify(addresses)),
    ({ code }) => console.log(JSON.stringify(code)),
  );
`;

const node = ({ wrap }: Namespace, script: string) => wrap(process.execPath, ['-e', script]);

async function heardBy(namespace: Namespace, script: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(...node(namespace, script));
  return JSON.parse(stdout);
}

/** Says once a datagram is sent. */
const send = (host: string) => `
  const socket = dgram.createSocket('udp4');
  socket.send('hello', ${PORT}, '${host}', () => {
    console.log(JSON.stringify('sent'));
    socket.close();
  });
`;
/** The status of an answer, of whomever one asks for it. */
const get = (host: string, name: string) => `
  http.get({ host: '${host}', port: ${HTTP_PORT}, headers: { Host: '${name}' } }, (response) => {
    console.log(response.statusCode);
    response.destroy();
  });
`;

/** An app, and two servers, one.test and two.test, with the door's network between. */
async function openWorld(settings: Settings) {
  const { center, leaves, replug } = await openStar(3);
  const [app, one, two] = leaves as [Namespace, Namespace, Namespace];
  await startDaemon(...node(one, server('one')), { ready: 'serves' });
  await startDaemon(...node(two, server('two')), { ready: 'serves' });
  const hosts = join(temporaryDirectory(), 'hosts');
  writeFileSync(hosts, '10.83.2.2 one.test a.wild.test three.test\n10.83.3.2 two.test b.wild.test\n');
  await promisify(execFile)(...center.wrap('mount', ['--bind', hosts, '/etc/hosts']));
  const env = {
    PATH,
    SALLYPORT_RUN_DIR: temporaryDirectory(),
    TARGET: `one.test:${PORT} two.test:${PORT} one.test:${PORT}/udp two.test:${PORT}/udp *.wild.test:${PORT}`,
    DNS: '1',
    NAME_ADDRESSES: `${RANGES[4]} ${RANGES[6]}`,
    ...settings,
  };
  const { start, run } = builtPrograms(center, env);
  const addressOf = async (name: string, family: 4 | 6) => {
    const found = await heardBy(app, resolve(name, family));
    return Array.isArray(found) ? String(found[0]) : String(found);
  };
  return { center, two, start, run, addressOf, hear: (script: string) => heardBy(app, script), replug };
}

async function world(settings: Settings = {}) {
  const opened = await openWorld(settings);
  return { ...opened, door: await opened.start() };
}

test.each(['1', '2'])(
  'each name is reached at an address of its own, over TCP and UDP, IPv4 and IPv6: WORKERS=%s',
  async (WORKERS) => {
    const { addressOf, hear } = await world({ WORKERS });
    for (const family of [4, 6] as const) {
      for (const name of ['one', 'two']) {
        const address = await addressOf(`${name}.test`, family);
        expect(await hear(connect(address))).toEqual({ heard: name, error: null });
        expect(await hear(ask(address))).toBe(`${name} hello`);
      }
      for (const [name, heard] of [
        ['a', 'one'],
        ['b', 'two'],
      ] as const)
        expect(await hear(connect(await addressOf(`${name}.wild.test`, family)))).toEqual({
          heard,
          error: null,
        });
    }
  },
);

test.each(['1', '2'])(
  'an address that leads nowhere is refused, and why is said: WORKERS=%s',
  async (WORKERS) => {
    const { addressOf, door, hear } = await world({
      WORKERS,
      TARGET: `one.test:${PORT} two.test:${PORT} two.test:${PORT}/udp three.test:1`,
    });
    const refused = { heard: '', error: 'ECONNRESET' };
    const refusal = (reason: string) => door.said(`"reason":"${reason}","decision":"refused"`);

    expect(await hear(connect('10.83.1.130'))).toEqual(refused);
    await refusal('no name has the address 10.83.1.130');
    expect(await hear(connect(DOOR))).toEqual(refused);
    await refusal('several names share this port: each is reached at its own address alone');
    expect(await hear(connect(await addressOf('three.test', 4)))).toEqual(refused);
    await refusal(`port ${PORT} does not lead to three.test`);
    expect(await hear(send(await addressOf('one.test', 4)))).toBe('sent');
    await refusal(`port ${PORT} does not lead to one.test`);
    expect(await hear(ask(DOOR)), 'the only name of its port').toBe('two hello');
  },
);

test('where no answers are expected, each name has a session that all clients share', async () => {
  const { addressOf, door, hear } = await world({ UDP_ANSWERS: '0', UDP_TIMEOUT_MS: '1000', VERBOSE: '1' });
  for (const name of ['one.test', 'two.test'])
    expect(await hear(send(await addressOf(name, 4)))).toBe('sent');
  for (const name of ['one.test', 'two.test'])
    await door.said(`"client":"everyone","target":"${name}:${PORT}"`);
});

test('with NAME_CHECK=enforce a client has to ask for the name that it has dialled', async () => {
  const TARGET = `one.test:${HTTP_PORT} two.test:${HTTP_PORT}`;
  const { addressOf, hear } = await world({ TARGET, NAME_CHECK: 'enforce' });
  const address = await addressOf('one.test', 4);
  expect(await hear(get(address, 'one.test'))).toBe(200);
  expect(await hear(get(address, 'two.test'))).toBe(403);
  expect(await hear(get(DOOR, 'two.test')), 'where the name alone chooses').toBe(200);
});

test('a list that changes takes names in, and the others away', async () => {
  const file = join(temporaryDirectory(), 'targets');
  writeFileSync(file, `one.test:${PORT}`);
  const { addressOf, door, hear } = await world({ TARGET: '', TARGET_FILE: file });
  const one = await addressOf('one.test', 4);
  expect(await addressOf('two.test', 4)).toBe('ENOTFOUND');

  writeFileSync(file, `two.test:${PORT}`);
  await door.said('TARGET_FILE is read');
  expect(await hear(connect(await addressOf('two.test', 6)))).toEqual({ heard: 'two', error: null });
  expect(await hear(connect(one))).toEqual({ heard: '', error: 'ECONNRESET' });
});

test('addresses of IPv6 come back with their interface', async () => {
  const { addressOf, hear, replug } = await world();
  const address = await addressOf('one.test', 6);
  await replug(1);
  await expect.poll(() => hear(connect(address))).toEqual({ heard: 'one', error: null });
});

test('at its end the door gives the addresses back', async () => {
  const { addressOf, door, center } = await world();
  const routes = async () =>
    (
      await Promise.all(
        [['-4'], ['-6']].map(async (family) => {
          const shown = center.wrap('ip', [...family, 'route', 'show', 'table', 'local']);
          return (await promisify(execFile)(...shown)).stdout;
        }),
      )
    ).join('');
  const given = await addressOf('one.test', 6);
  expect(await routes()).toMatch(/local 10\.83\.1\.128\/25 dev lo[^]*local fd83:1::1:0\/112 dev lo/);
  expect(await routes()).toContain(`local ${given} dev`);
  process.kill(door.pid, 'SIGTERM');
  expect(await door.ended).toBe(0);
  expect(await routes()).not.toMatch(/10\.83\.1\.128|fd83:1::1:/);
});

test('status and check know the addresses', async () => {
  const { addressOf, run } = await world();
  const own = await Promise.all(([4, 6] as const).map((family) => addressOf('two.test', family)));
  const { names } = JSON.parse((await run('sallyport', 'status', '--json')).stdout) as Status;
  expect(names.find(({ name }) => name === 'two.test')?.ownAddresses).toEqual(own);
  expect((await run('sallyport', 'status')).stdout).toMatch(
    /REACHED AT[^]*two\.test .* 10\.83\.1\.\d+, fd83:1::1:/,
  );
  expect((await run('sallyport', 'check', `two.test:${PORT}`)).stdout).toBe(
    `allowed: ${PORT} → two.test:${PORT}, at its own address\nallowed: ${PORT}/udp → two.test:${PORT}, at its own address\n`,
  );
});

test('a probe goes to the address of its name', async () => {
  const { two, run } = await world({
    TARGET: 'one.test:25 two.test:25',
    SMTP_HEALTHCHECK: '1',
    SMTP_HEALTHCHECK_URL: 'smtp://two.test/',
  });
  expect((await run('healthcheck')).stdout).toMatch(/^unhealthy: no answer .* two\.test:25: .* ECONNREFUSED/);
  await startDaemon(...node(two, mailServer), { ready: 'serves' });
  expect((await run('healthcheck')).stdout).toBe('healthy\n');
});

test.each([
  ['10.83.1.0/24', /NAME_ADDRESSES=10\.83\.1\.0\/24: it has 10\.83\.1\.1 in it, which is this host's own/],
  ['10.84.0.0/24', /NAME_ADDRESSES=10\.84\.0\.0\/24: it is within none of the networks here/],
  ['10.83.1.128/25 fd84::/64', /NAME_ADDRESSES=fd84::\/64: it is within none of the networks here/],
])('a range that cannot be stops the start: %s', async (NAME_ADDRESSES, reason) => {
  await expect(world({ NAME_ADDRESSES })).rejects.toThrow(reason);
});

test.each([RANGES[4], RANGES[6]])(
  'without CAP_NET_ADMIN the start stops, and says what is missing: %s',
  async (NAME_ADDRESSES) => {
    const { start, run } = await openWorld({ NAME_ADDRESSES });
    await expect(start('setpriv', '--bounding-set=-net_admin')).rejects.toThrow(
      `NAME_ADDRESSES=${NAME_ADDRESSES}: netlink EPERM: it takes the capability NET_ADMIN, which only root can use`,
    );
    expect((await run('sallyport', 'check')).stdout).not.toContain('NET_ADMIN');
  },
);

test('check says what speaks against a range', async () => {
  const { run } = await openWorld({ NAME_ADDRESSES: '10.84.0.0/24' });
  expect((await run('sallyport', 'check')).stdout).toMatch(
    /the configuration has to change[^]*NAME_ADDRESSES=10\.84\.0\.0\/24: it is within none of the networks here/,
  );
});
