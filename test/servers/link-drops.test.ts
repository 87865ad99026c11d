import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { startDaemon } from '../helpers/daemon.ts';
import { type Namespace, openStar } from '../helpers/namespaces.ts';
import { statusIn, temporaryDirectory } from '../helpers/program.ts';

const PROGRAM = join(import.meta.dirname, '../../dist/sallyport.js');
const PORT = 4_001;
const COUNT = 200;

/** Many datagrams, each larger than the one before, so that no two are sent as one; and what comes. */
const both = `
  const burst = (send) => { for (let size = 100; size < ${100 + COUNT}; size++) send(Buffer.alloc(size)); };
  const socket = dgram.createSocket('udp4');
  socket.on('message', (datagram) => console.log(datagram.length >= 100 ? 'came' : datagram.toString()));
`;
const app = `${both}
  socket.on('message', (datagram, from) => {
    const answer = (text) => socket.send(text, from.port, from.address);
    if (String(datagram) === 'hello') answer('welcome');
    if (String(datagram) === 'more') burst(answer);
  });
  socket.bind(${PORT}, () => console.log('serves'));
`;
const client = (call: string) => `${both}
  socket.connect(${PORT}, '10.83.2.1', () => { ${call}; console.log('sent'); });
`;

const node = ({ wrap }: Namespace, script: string) => wrap(process.execPath, ['-e', script]);

test.each([
  ['to the target', 'cable1', 'burst((datagram) => socket.send(datagram))'],
  ['to the client', 'cable2', "socket.send('more')"],
])("what the relay's own link drops on the way %s is LOST", async (_, cable, call) => {
  const { center, leaves } = await openStar(2);
  const [inside, outside] = leaves as [Namespace, Namespace];
  const served = await startDaemon(...node(inside, app), { ready: 'serves' });
  const runDir = temporaryDirectory();
  const env = {
    PATH: process.env['PATH'] ?? '',
    SALLYPORT_RUN_DIR: runDir,
    TARGET: '10.83.1.2',
    PORT: `${PORT}`,
    MODE: 'udp',
  };
  await startDaemon(...center.wrap(process.execPath, [PROGRAM]), { env, ready: '"listening"' });
  const first = await startDaemon(...node(outside, client("socket.send('hello')")), { ready: 'sent' });
  await first.said('welcome');

  const slow = ['qdisc', 'add', 'dev', cable, 'root', 'tbf'];
  const bounds = ['rate', '1mbit', 'burst', '2000', 'limit', '4000'];
  await promisify(execFile)(...center.wrap('tc', [...slow, ...bounds]));
  const second = await startDaemon(...node(outside, client(call)), { ready: 'sent' });

  const counts = async () => {
    const [port] = (await statusIn(runDir)).ports;
    const came = [served, second].flatMap(({ output }) => output().match(/^came$/gm) ?? []).length;
    return { came, lost: port?.lost ?? 0 };
  };
  await expect.poll(async () => Object.values(await counts()).reduce((sum, each) => sum + each)).toBe(COUNT);
  expect((await counts()).lost).toBeGreaterThan(COUNT / 10);
});
