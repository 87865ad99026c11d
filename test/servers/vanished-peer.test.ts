import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { type Daemon, startDaemon } from '../helpers/daemon.ts';
import { type Namespace, openStar } from '../helpers/namespaces.ts';
import { temporaryDirectory } from '../helpers/program.ts';

const PROGRAM = join(import.meta.dirname, '../../dist/sallyport.js');
const PORT = 4_001;

/** Whoever is connected to is sent bytes without end, as fast as they are taken. */
const pump = `
  const bytes = Buffer.alloc(64 * 1024);
  function pump(socket) {
    while (socket.write(bytes));
    socket.once('drain', () => pump(socket));
  }
`;
const target = `${pump}
  net.createServer((socket) => pump(socket.on('error', () => {}).resume())).listen(${PORT}, () => console.log('serves'));
`;
const client = (host: string, use: string) => `${pump}
  net.connect(${PORT}, '${host}', function () { console.log('connected'); ${use} }).on('error', () => {});
`;

function startIn({ wrap }: Namespace, script: string, ready: string): Promise<Daemon> {
  return startDaemon(...wrap(process.execPath, ['-e', script]), { ready });
}

/** A relay in the middle, which listens on its end of the cable to the client. */
function startRelay({ wrap }: Namespace, bind: string, to: string): Promise<Daemon> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    SALLYPORT_RUN_DIR: temporaryDirectory(),
    BIND: bind,
    TARGET: to,
    PORT: String(PORT),
    VERBOSE: '1',
  };
  return startDaemon(...wrap(process.execPath, [PROGRAM]), { env, ready: '"listening"' });
}

/** From now on, nothing that a leaf says reaches the middle, acknowledgements included. */
async function mute({ wrap }: Namespace, center: string): Promise<void> {
  await promisify(execFile)(...wrap('ip', ['route', 'add', 'blackhole', `${center}/32`]));
}

test('a peer that vanishes with data in flight is given up, and one that does not read is not', async () => {
  const { center, leaves } = await openStar(4);
  const [livingTarget, vanishing, notReading, vanishingTarget] = leaves as [
    Namespace,
    Namespace,
    Namespace,
    Namespace,
  ];
  await startIn(livingTarget, target, 'serves');
  await startIn(vanishingTarget, target, 'serves');
  const toClients = await startRelay(center, '10.83.2.1 10.83.3.1', '10.83.1.2');
  const toTarget = await startRelay(center, '10.83.1.1', '10.83.4.2');
  // Whoever has been sent something is connected through, to the target.
  const tells = "this.once('data', () => console.log('is sent'))";
  await startIn(vanishing, client('10.83.2.1', `${tells}.resume();`), 'is sent');
  await startIn(notReading, client('10.83.3.1', 'this.pause(); setInterval(() => {}, 1_000);'), 'connected');
  await startIn(livingTarget, client('10.83.1.1', `pump(${tells}.resume());`), 'is sent');

  const since = performance.now();
  await mute(vanishing, '10.83.2.1');
  await mute(vanishingTarget, '10.83.4.1');
  await Promise.all([
    toClients.said('"ending":"client aborted"'),
    toTarget.said('"ending":"target aborted"'),
  ]);
  // Not before a minute without an answer, and long before the kernel gives up.
  expect(performance.now() - since).toBeGreaterThan(50_000);
  expect(toClients.output()).toContain('"client":"10.83.2.2:');
  expect(toClients.output()).not.toContain('"client":"10.83.3.2:');
}, 180_000);
