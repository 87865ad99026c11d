/**
 * A program, for a network of its own: a nameserver on 127.0.0.1:53 that takes so many ms (its argument) to say that a name is at 127.0.0.1, and is mute about
 * mute.test. It says which names it is asked for, and when a connection ends.
 */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

import * as dnsPacket from 'dns-packet';
import type { DecodedPacket, Packet } from 'dns-packet';

const PORT = 53;
const delay = Number(process.argv[2]);

/** Calls back with the answer, or never. */
function answer(query: DecodedPacket, send: (packet: Packet) => void): void {
  const [{ name, type } = { name: '', type: 'A' }] = query.questions ?? [];
  console.log(`asked for ${name.toLowerCase()}`);
  if (name.toLowerCase().endsWith('mute.test')) return;
  const packet: Packet = {
    type: 'response',
    id: query.id ?? 0,
    flags: dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE,
    questions: query.questions ?? [],
    answers: type === 'A' ? [{ name, type, ttl: 60, data: '127.0.0.1' }] : [],
  };
  setTimeout(() => send(packet), delay);
}

const udp = createSocket('udp4', (datagram, from) =>
  answer(dnsPacket.decode(datagram), (packet) => udp.send(dnsPacket.encode(packet), from.port, from.address)),
);
const tcp = createServer((socket) => {
  socket.on('error', () => {}).on('close', () => console.log('a connection has ended'));
  socket.on('data', (bytes: Buffer) =>
    answer(dnsPacket.streamDecode(bytes) as DecodedPacket, (packet) =>
      socket.write(dnsPacket.streamEncode(packet)),
    ),
  );
});
udp.bind(PORT, '127.0.0.1', () => tcp.listen(PORT, '127.0.0.1', () => console.log('answers')));
