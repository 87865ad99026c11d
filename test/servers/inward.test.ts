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

const WELCOME = { heard: '220 welcome\r\n', error: null };

const PATH = process.env['PATH'] ?? '';
const node = ({ wrap }: Namespace, script: string) => wrap(process.execPath, ['-e', script]);

async function callFrom(namespace: Namespace, host: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(...node(namespace, call(host)));
  return JSON.parse(stdout);
}

/** The app on a network inside, the relay between, and a client on each of two networks outside. */
async function world(settings: Readonly<Record<string, string>>) {
  const { center, leaves } = await openStar(3);
  const [inside, friend, stranger] = leaves as [Namespace, Namespace, Namespace];
  const served = await startDaemon(...node(inside, app), { ready: 'serves' });
  const env = { PATH, SALLYPORT_RUN_DIR: temporaryDirectory(), TARGET: APP, PORT: `${PORT}`, ...settings };
  const program = (name: string) => center.wrap(process.execPath, [join(PROGRAMS, `${name}.js`)]);
  const relay: Daemon = await startDaemon(...program('sallyport'), { env, ready: '"listening"' });
  const healthcheck = async () => {
    const checked = promisify(execFile)(...program('healthcheck'), { env });
    return (await checked.catch((failure: { stdout: string }) => failure)).stdout;
  };
  return { served, relay, friend, stranger, healthcheck };
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
  expect(served.output().match(/tcp client/g)).toHaveLength(families.length);
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
  expect(served.output().match(/datagram: .*/g)).toEqual(['datagram: hello', 'datagram: hello']);
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
