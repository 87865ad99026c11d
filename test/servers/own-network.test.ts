import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { type Daemon, startDaemon } from '../helpers/daemon.ts';
import { startDnsmasq } from '../helpers/dnsmasq.ts';
import { type Namespace, openNamespace } from '../helpers/namespaces.ts';
import { temporaryDirectory } from '../helpers/program.ts';

const PROGRAM = join(import.meta.dirname, '../../dist/sallyport.js');
const [LISTEN, TARGET] = [4_001, 4_002];

// Both ends are in the namespace: a target, and after it a client of the relay.
const call = `
  const target = net.createServer((socket) => socket.end('found')).listen(${TARGET}, '127.0.0.1', () => {
    let greeting = '';
    net.connect(${LISTEN}, '127.0.0.1')
      .on('data', (bytes) => (greeting += bytes))
      .on('close', () => {
        console.log(greeting);
        process.exit();
      })
      .on('error', () => {});
  });
`;

async function startRelay(namespace: Namespace, nameservers: string): Promise<Daemon> {
  return startWith(namespace, { TARGET: 'api.test', PRE_RESOLVE: '1', NAMESERVERS: nameservers });
}

async function startWith({ wrap }: Namespace, settings: Record<string, string>): Promise<Daemon> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    SALLYPORT_RUN_DIR: temporaryDirectory(),
    PORT: `${LISTEN}:${TARGET}`,
    TARGET_SCOPE: 'any',
    ...settings,
  };
  return startDaemon(...wrap(process.execPath, [PROGRAM]), { env, ready: '"listening"' });
}

async function callThrough({ wrap }: Namespace): Promise<string> {
  const { stdout } = await promisify(execFile)(...wrap(process.execPath, ['-e', call]));
  return stdout.trim();
}

test('without IPv6, AAAA is not asked for, as it would be dialled first', async () => {
  const namespace = await openNamespace();
  const records = ['--address=/api.test/127.0.0.1', '--address=/api.test/2001:db8::1'];
  const dnsmasq = await startDnsmasq(5_353, records, namespace.wrap);
  const relay = await startRelay(namespace, '127.0.0.1:5353');
  await relay.said('"name resolved"');
  expect(await callThrough(namespace)).toBe('found');
  await expect.poll(() => dnsmasq.output().match(/query\[\w+\]/g)).toEqual(['query[A]']);
});

test('`system` asks the nameserver of /etc/resolv.conf, after one that fails', async () => {
  const namespace = await openNamespace();
  const dnsmasq = await startDnsmasq(53, ['--address=/api.test/127.0.0.1'], namespace.wrap);
  await startRelay(namespace, '127.0.0.1:5353 system');
  expect(await callThrough(namespace)).toBe('found');
  expect(dnsmasq.output().toLowerCase()).toContain('query[a] api.test');
});

// Each says what it has heard when it is over; neither may take the one port that the kernel may choose.
const callers = {
  tcp: `
    net.connect({ port: ${LISTEN}, host: '127.0.0.1', localPort: 4_010 }, function () { this.write('hello'); })
      .on('data', (bytes) => console.log('heard', String(bytes)))
      .on('error', () => {})
      .on('close', () => process.exit());
  `,
  udp: `
    const client = dgram.createSocket('udp4').on('message', (bytes) => console.log('heard', String(bytes)));
    client.bind(4_010, () => client.send('hello', ${LISTEN}, '127.0.0.1'));
  `,
} as const;

test.each([['tcp'], ['udp']] as const)(
  'over %s, a target that is down on a port that the kernel chooses for us is not ourselves',
  async (mode) => {
    const namespace = await openNamespace();
    const choose = `echo ${TARGET} ${TARGET} >/proc/sys/net/ipv4/ip_local_port_range`;
    await promisify(execFile)(...namespace.wrap('sh', ['-c', choose]));
    const relay = await startWith(namespace, { TARGET: '127.0.0.1', MODE: mode });
    const caller = promisify(execFile)(...namespace.wrap(process.execPath, ['-e', callers[mode]]), {
      timeout: 5_000,
    });
    await relay.said(`nobody listens on 127.0.0.1:${TARGET}: it connected to itself`);
    caller.child.kill();
    const { stdout } = (await caller.catch((ended: unknown) => ended)) as { readonly stdout: string };
    expect(stdout).toBe('');
  },
);
