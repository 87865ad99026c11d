/** A program, in a network of its own: a nameserver on port 53, over UDP and TCP, that answers as it is told. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

import * as dnsPacket from 'dns-packet';
import type { DecodedPacket } from 'dns-packet';

import { a } from '../../helpers/dns.ts';
import { answers, type Met } from '../answers.ts';
import type { Answers } from '../protocol.ts';

const PORT = 53;
/** The shortest that the door takes, in s. */
const TTL = 5;

let told: Answers = { by: 'truth', names: {} };
let asked = 0;

function meet(query: DecodedPacket): Met {
  asked++;
  const [question] = query.questions ?? [];
  const name = question?.name ?? '';
  const addresses = question?.type === 'A' ? (told.names[name.toLowerCase()] ?? []) : [];
  const by = answers[told.by];
  if (by === undefined) throw new Error(`nothing answers by '${told.by}'`);
  return by(
    query,
    addresses.map((address) => a(name, address, TTL)),
    asked,
  );
}

const udp = createSocket('udp4');
const elsewhere = createSocket('udp4');
udp.on('message', (datagram, { port, address }) => {
  const { udp: answer, after = 0, fromElsewhere = false } = meet(dnsPacket.decode(datagram));
  if (answer === null) return;
  setTimeout(() => (fromElsewhere ? elsewhere : udp).send(answer, port, address), after);
});

const tcp = createServer((socket) => {
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    const { tcp: answer, after = 0 } = meet(dnsPacket.streamDecode(bytes as Buffer) as DecodedPacket);
    if (answer === null) return;
    const length = Buffer.of(answer.length >> 8, answer.length & 0xff);
    setTimeout(() => socket.write(Buffer.concat([length, answer])), after);
  });
});

process.on('message', (message: Answers | 'tell') => {
  if (message === 'tell') process.send?.({ asked });
  else told = message;
});

tcp.listen(PORT, () => udp.bind(PORT, () => process.send?.('serves')));
