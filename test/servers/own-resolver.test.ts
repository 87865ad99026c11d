import { join } from 'node:path';

import { expect, test } from 'vitest';

import { type Daemon, startDaemon } from '../helpers/daemon.ts';
import { type Namespace, openNamespace } from '../helpers/namespaces.ts';
import { temporaryDirectory } from '../helpers/program.ts';

const PROGRAM = join(import.meta.dirname, '../../dist/sallyport.js');
const PROGRAMS = join(import.meta.dirname, '../helpers/programs');
const [GOOD, MUTE] = ['good.test', 'mute.test'];
/** Longer than a test may take. */
const FOR_EVER = '600000';

const startNameserver = ({ wrap }: Namespace, delay: number) =>
  startDaemon(...wrap(process.execPath, [join(PROGRAMS, 'slow-nameserver.ts'), `${delay}`]), {
    ready: 'answers',
  });

const startClients = (
  { wrap }: Namespace,
  host: string,
  { clients, pause }: { readonly clients: number; readonly pause: number },
) =>
  startDaemon(...wrap(process.execPath, [join(PROGRAMS, 'http-crowd.ts'), host, `${clients}`, `${pause}`]), {
    ready: 'all have connected',
  });

async function startRelay({ wrap }: Namespace, settings: Record<string, string> = {}): Promise<Daemon> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    SALLYPORT_RUN_DIR: temporaryDirectory(),
    TARGET: `${GOOD} ${MUTE}`,
    PORT: '4001:4002',
    TARGET_SCOPE: 'any',
    CONNECT_TIMEOUT_MS: FOR_EVER,
    ...settings,
  };
  return startDaemon(...wrap(process.execPath, [PROGRAM]), { env, ready: '"listening"' });
}

const countOf = (text: string, { output }: Daemon) => output().split(text).length - 1;

test.each(['1', '2'])(
  'a slow nameserver refuses nobody and is asked seldom, a mute name holds up no other, nor the stop: WORKERS=%s',
  async (WORKERS) => {
    const namespace = await openNamespace('nameserver 127.0.0.1\noptions timeout:30 attempts:5\n');
    const nameserver = await startNameserver(namespace, 300);
    const relay = await startRelay(namespace, { WORKERS, MAX_CONNECTIONS: '0', DRAIN_TIMEOUT_MS: '100' });
    await startClients(namespace, MUTE, { clients: 30, pause: 0 });
    await nameserver.said(`asked for ${MUTE}`);

    const crowd = await startClients(namespace, GOOD, { clients: 400, pause: 5 });
    await crowd.said('answered: 400');
    // 400 for a lookup each; they come over 2 s or more.
    expect(countOf(`asked for ${GOOD}`, nameserver)).toBeLessThan(100);
    // Once for all, and again each second.
    expect(countOf(`asked for ${MUTE}`, nameserver)).toBeLessThan(20);

    process.kill(relay.pid, 'SIGTERM');
    expect(await relay.ended).toBe(0);
    expect(relay.output()).toContain('what was still live has been cut off');
  },
);

test.each(['1', '2'])(
  'a lookup ends when the last client that waits for it has left: WORKERS=%s',
  async (WORKERS) => {
    const namespace = await openNamespace('nameserver 127.0.0.1\noptions use-vc timeout:30 attempts:5\n');
    const nameserver = await startNameserver(namespace, 0);
    await startRelay(namespace, { WORKERS });
    const clients = await startClients(namespace, MUTE, { clients: 5, pause: 0 });
    await nameserver.said(`asked for ${MUTE}`);
    process.kill(clients.pid, 'SIGTERM');
    await nameserver.said('a connection has ended');
    expect(countOf(`asked for ${MUTE}`, nameserver)).toBe(1);
  },
);
