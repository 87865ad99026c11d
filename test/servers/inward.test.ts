import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { type Daemon, startDaemon } from '../helpers/daemon.ts';
import { type Namespace, openStar } from '../helpers/namespaces.ts';
import { temporaryDirectory } from '../helpers/program.ts';

const PROGRAMS = join(import.meta.dirname, '../../dist');
const PORT = 4_001;
const APP = '10.83.1.2';

/** The app says what has come to it; over TCP it knows just enough of SMTP for a probe. */
const app = `
  net.createServer((socket) => {
    console.log('tcp client');
    socket.on('error', () => {});
    socket.write('220 welcome\\r\\n');
    socket.on('data', () => socket.write('250 OK\\r\\n'));
  }).listen(${PORT}, '0.0.0.0', () => {
    const socket = dgram.createSocket('udp4');
    socket.on('message', (datagram, from) => {
      console.log('datagram: ' + datagram);
      socket.send('welcome', from.port, from.address);
    });
    socket.bind(${PORT}, () => console.log('serves'));
  });
`;
/** A client's connection: what it hears, and the error that ended it. */
const call = (host: string) => `
  let heard = '';
  let error = null;
  net.connect(${PORT}, '${host}')
    .on('data', function (bytes) {
      heard += bytes;
      this.end();
    })
    .on('error', ({ code }) => (error = code))
    .on('close', () => console.log(JSON.stringify({ heard, error })));
`;
/** A client that sends a datagram and says what it hears, for as long as it runs. */
const send = (host: string, text: string) => `
  const socket = dgram.createSocket('${host.includes(':') ? 'udp6' : 'udp4'}');
  socket.on('message', (datagram) => console.log('heard ' + datagram));
  socket.send('${text}', ${PORT}, '${host}', () => console.log('sent'));
`;

/** As that, until it has heard something: the first datagram may come while the network has only just come back. */
const keepSending = (host: string) => `
  const socket = dgram.createSocket('${host.includes(':') ? 'udp6' : 'udp4'}');
  const sending = setInterval(() => socket.send('hello', ${PORT}, '${host}'), 100);
  console.log('sends');
  socket.on('message', (datagram) => {
    clearInterval(sending);
    console.log('heard ' + datagram);
  });
`;

/** A client that hears nobody but whom it has asked. */
const ask = (host: string) => `
  const socket = dgram.createSocket('${host.includes(':') ? 'udp6' : 'udp4'}');
  socket.on('message', (datagram) => {
    console.log('heard ' + datagram);
    socket.close();
  });
  socket.connect(${PORT}, '${host}', () => socket.send('hello'));
`;

const WELCOME = { heard: '220 welcome\r\n', error: null };

const PATH = process.env['PATH'] ?? '';
const node = ({ wrap }: Namespace, script: string) => wrap(process.execPath, ['-e', script]);

async function callFrom(namespace: Namespace, host: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(...node(namespace, call(host)));
  return JSON.parse(stdout);
}

/** The app on a network inside, the relay between, and a client on each of two networks outside. */
async function world(settings: Readonly<Record<string, string>>) {
  const { center, leaves, replug } = await openStar(3);
  const [inside, friend, stranger] = leaves as [Namespace, Namespace, Namespace];
  const served = await startDaemon(...node(inside, app), { ready: 'serves' });
  const env = { PATH, SALLYPORT_RUN_DIR: temporaryDirectory(), TARGET: APP, PORT: `${PORT}`, ...settings };
  const program = (name: string) => center.wrap(process.execPath, [join(PROGRAMS, `${name}.js`)]);
  const relay: Daemon = await startDaemon(...program('sallyport'), { env, ready: '"listening"' });
  const healthcheck = async () => {
    const checked = promisify(execFile)(...program('healthcheck'), { env });
    return (await checked.catch((failure: { stdout: string }) => failure)).stdout;
  };
  return { served, relay, center, friend, stranger, replug, healthcheck };
}

/** The relay's addresses on the network of the first client outside, and on that of the second. */
const families = [
  ['10.83.2.1', '10.83.3.1', '10.83.3.2'],
  ['fd83:2::1', 'fd83:3::1', 'fd83:3::2'],
] as const;

test('outside the wall, who is allowed reaches the app over TCP, and who is not is reset', async () => {
  const { served, relay, friend, stranger } = await world({ ALLOW_FROM: '10.83.2.0/24 fd83:2::/64' });
  for (const [toFriend, toStranger, address] of families) {
    expect(await callFrom(stranger, toStranger)).toEqual({ heard: '', error: 'ECONNRESET' });
    await relay.said(`"reason":"${address} is not in ALLOW_FROM"`);
    expect(await callFrom(friend, toFriend)).toEqual(WELCOME);
  }
  await expect.poll(() => served.output().match(/tcp client/g)).toHaveLength(families.length);
});

test('outside the wall, who is allowed reaches the app over UDP, and who is not hears nothing', async () => {
  const { served, relay, friend, stranger } = await world({
    MODE: 'udp',
    ALLOW_FROM: '10.83.2.0/24 fd83:2::/64',
  });
  for (const [toFriend, toStranger, address] of families) {
    const refused = await startDaemon(...node(stranger, send(toStranger, 'let me in')), { ready: 'sent' });
    await relay.said(`"reason":"${address} is not in ALLOW_FROM"`);
    const allowed = await startDaemon(...node(friend, send(toFriend, 'hello')), { ready: 'sent' });
    await allowed.said('heard welcome');
    expect(refused.output()).toBe('sent\n');
  }
  await expect
    .poll(() => served.output().match(/datagram: .*/g))
    .toEqual(['datagram: hello', 'datagram: hello']);
});

test('answers over UDP leave from the address that was asked, of a host that has several', async () => {
  const { center, friend } = await world({ MODE: 'udp' });
  const more = `
    ip address add 10.83.2.9/24 dev cable2
    ip address add fd83:2::9/64 dev cable2 nodad
    ip -6 address show dev cable2 scope link | sed -n 's/.*inet6 \\([^/]*\\).*/\\1/p'
  `;
  const { stdout: linkLocal } = await promisify(execFile)(...center.wrap('sh', ['-c', more]));
  const hosts = ['10.83.2.1', '10.83.2.9', 'fd83:2::1', 'fd83:2::9', `${linkLocal.trim()}%cable`];
  for (const host of hosts) await startDaemon(...node(friend, ask(host)), { ready: 'heard welcome' });
  expect(linkLocal).toMatch(/^fe80::/);
});

test('BIND shuts the other networks out, and leaves the probes of the healthcheck a way', async () => {
  const { friend, stranger, healthcheck } = await world({
    BIND: '10.83.2.1 fd83:2::1',
    ALLOW_FROM: '10.83.2.0/24 fd83:2::/64',
    SMTP_HEALTHCHECK: '1',
    SMTP_HEALTHCHECK_TIMEOUT_MS: '5000',
  });
  for (const [toFriend, toStranger] of families) {
    expect(await callFrom(friend, toFriend)).toEqual(WELCOME);
    expect(await callFrom(stranger, toStranger)).toEqual({ heard: '', error: 'ECONNREFUSED' });
  }
  expect(await healthcheck()).toBe('healthy\n');
});

/** A client that calls, and goes on trying, until it is let in. */
const keepCalling = (host: string) => `
  net.connect(${PORT}, '${host}', () => console.log('let in')).on('error', ({ code }) => console.log(code));
  setImmediate(() => console.log('calls'));
`;

/** Has the stranger send what is for the friend's addresses of the relay to the relay all the same, by the network that they share. */
async function misroute({ wrap }: Namespace): Promise<void> {
  const routes = 'ip route replace 10.83.2.1 via 10.83.3.1 && ip -6 route replace fd83:2::1 via fd83:3::1';
  await promisify(execFile)(...wrap('sh', ['-c', routes]));
}

const BIND = '10.83.2.1 fd83:2::1';
const BOUND = BIND.split(' ');

test.each([['1'], ['2']])(
  'BIND shuts out who sends to the bound address by another network, over TCP (WORKERS=%s)',
  async (WORKERS) => {
    const { served, center, friend, stranger, replug } = await world({ BIND, WORKERS });
    await misroute(stranger);
    const callers = [];
    for (const address of BOUND) {
      callers.push(await startDaemon(...node(stranger, keepCalling(address)), { ready: 'calls' }));
      expect(await callFrom(friend, address)).toEqual(WELCOME);
      // Its own host comes by loopback, whatever address it calls.
      expect(await callFrom(center, address)).toEqual(WELCOME);
    }
    await replug(2);
    for (const address of BOUND) {
      callers.push(await startDaemon(...node(stranger, keepCalling(address)), { ready: 'calls' }));
      expect(await callFrom(friend, address)).toEqual(WELCOME);
    }
    expect(callers.map(({ output }) => output())).toEqual(callers.map(() => 'calls\n'));
    await expect.poll(() => served.output().match(/tcp client/g)).toHaveLength(BOUND.length * 3);
  },
);

test.each([['1'], ['2']])(
  'BIND shuts out who sends to the bound address by another network, over UDP (WORKERS=%s)',
  async (WORKERS) => {
    const { served, friend, stranger, replug } = await world({ BIND, WORKERS, MODE: 'udp' });
    await misroute(stranger);
    const exchange = async (address: string) => {
      await startDaemon(...node(stranger, send(address, 'let me in')), { ready: 'sent' });
      const allowed = await startDaemon(...node(friend, keepSending(address)), { ready: 'sends' });
      await allowed.said('heard welcome');
    };
    for (const address of BOUND) await exchange(address);
    await replug(2);
    for (const address of BOUND) await exchange(address);
    await expect.poll(served.output).toContain('datagram: hello');
    expect(served.output()).not.toContain('datagram: let me in');
  },
);

test('a connection to a bound address lives on when its network goes and comes', async () => {
  const { friend, replug } = await world({ BIND });
  const talk = `
    let count = 0;
    const client = net.connect(${PORT}, '10.83.2.1').on('data', () => console.log('answer ' + ++count + '.'));
    setInterval(() => client.write('hello'), 20);
    console.log('calls');
  `;
  const caller = await startDaemon(...node(friend, talk), { ready: 'answer 2.' });
  await replug(2);
  const answers = caller.output().match(/answer/g)?.length ?? 0;
  await expect(caller.said(`answer ${answers + 10}.`)).resolves.toBeUndefined();
});
