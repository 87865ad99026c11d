import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { startDaemon } from '../helpers/daemon.ts';
import { type Namespace, openStar } from '../helpers/namespaces.ts';
import { temporaryDirectory } from '../helpers/program.ts';

const PROGRAM = join(import.meta.dirname, '../../dist/sallyport.js');
const PORT = 4_001;
/** The app's and its peer's addresses, one on each of the door's networks. */
const [APP, PEER] = ['10.83.1.2', '10.83.2.2'];

const listen = `
  const socket = dgram.createSocket('udp4').on('message', (datagram) => console.log('heard ' + datagram));
  socket.bind(${PORT}, () => console.log('listens'));
`;
const send = `dgram.createSocket('udp4').send('through the relay', ${PORT}, '10.83.1.1', () => process.exit())`;
/** A UDP datagram in an Ethernet frame, as whoever has CAP_NET_RAW can make it: to the MAC address of the door, and the IP address of the peer. */
const sendFrame = `
import socket, struct, sys
door, source, target = sys.argv[1:]
text = b'past the relay'
udp = struct.pack('!HHHH', 4002, ${PORT}, 8 + len(text), 0) + text
def header(checksum):
    fields = (0x45, 0, 20 + len(udp), 1, 0, 64, 17, checksum, socket.inet_aton(source), socket.inet_aton(target))
    return struct.pack('!BBHHHBBH4s4s', *fields)
total = sum(struct.unpack('!10H', header(0)))
total = (total & 0xffff) + (total >> 16)
packet = header(~total & 0xffff) + udp
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(('cable', 0))
link.send(bytes.fromhex(door.replace(':', '')) + link.getsockname()[4] + b'\\x08\\x00' + packet)
`;

async function run({ wrap }: Namespace, command: string, ...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(...wrap(command, args))).stdout;
}

/** A door between an app's network and a peer's, whose kernel forwards as these sysctls say. */
async function world(sysctls: Readonly<Record<string, string>>) {
  const { center, leaves } = await openStar(2);
  const [app, peer] = leaves as [Namespace, Namespace];
  for (const [name, value] of Object.entries(sysctls))
    await run(center, 'sh', '-c', `echo ${value} >/proc/sys/${name.replaceAll('.', '/')}`);
  await run(peer, 'ip', 'route', 'add', '10.83.1.0/24', 'via', '10.83.2.1');
  const env = { SALLYPORT_RUN_DIR: temporaryDirectory(), TARGET: PEER, PORT: `${PORT}`, MODE: 'udp' };
  const relay = await startDaemon(...center.wrap(process.execPath, [PROGRAM]), { env, ready: '"listening"' });
  const check = await startDaemon(...center.wrap(process.execPath, [PROGRAM, 'check']), {
    env,
    ready: 'No problem was found.',
  });
  const listener = await startDaemon(...peer.wrap(process.execPath, ['-e', listen]), { ready: 'listens' });
  const link = await run(center, 'ip', '-json', 'link', 'show', 'cable1');
  const [{ address: mac }] = JSON.parse(link) as [{ address: string }];
  return { app, mac, relay, check, listener };
}

const OFF = { 'net.ipv4.ip_forward': '0', 'net.ipv6.conf.all.forwarding': '0' };

test.each(['1', '0'])(
  "with net.ipv4.ip_forward=%s a frame to the door's MAC address gets past it, and that is said; or neither",
  async (ipForward) => {
    const forwards = ipForward === '1';
    const { app, mac, relay, check, listener } = await world({ ...OFF, 'net.ipv4.ip_forward': ipForward });
    await run(app, 'python3', '-c', sendFrame, mac, APP, PEER);
    if (forwards) await listener.said('heard past the relay');
    // What was sent before it would have come before it.
    await run(app, process.execPath, '-e', send);
    await listener.said('heard through the relay');
    expect(listener.output().includes('past the relay')).toBe(forwards);
    for (const { output } of [relay, check])
      expect(output().includes('net.ipv4.ip_forward is 1')).toBe(forwards);
  },
);

test('IPv6 that is forwarded is said', async () => {
  const { relay, check } = await world({ ...OFF, 'net.ipv6.conf.all.forwarding': '1' });
  for (const { output } of [relay, check]) {
    expect(output()).toContain('net.ipv6.conf.all.forwarding is 1');
    expect(output()).not.toContain('ip_forward');
  }
});

test('on one network alone nothing is said of forwarding', async () => {
  const { center } = await openStar(1);
  await run(center, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
  const env = { SALLYPORT_RUN_DIR: temporaryDirectory(), TARGET: APP, PORT: `${PORT}` };
  const relay = await startDaemon(...center.wrap(process.execPath, [PROGRAM]), { env, ready: '"listening"' });
  expect(relay.output()).not.toContain('forward');
});
