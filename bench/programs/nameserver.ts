// Knows all names of a zone, over UDP: node bench/programs/nameserver.ts PORT ZONE ADDRESS
import { createSocket } from 'node:dgram';

import * as dnsPacket from 'dns-packet';

/** So long that nobody asks twice within a run, in s. */
const TTL = 3600;

const [port, zone = '', address = ''] = process.argv.slice(2);

const socket = createSocket('udp4');
socket.on('message', (datagram, from) => {
  const { id, questions = [] } = dnsPacket.decode(datagram);
  const [question] = questions;
  const isKnown = question?.type === 'A' && question.name.toLowerCase().endsWith(`.${zone}`);
  const answer = dnsPacket.encode({
    type: 'response',
    id: id ?? 0,
    flags: dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE,
    questions,
    answers: isKnown ? [{ type: 'A', name: question.name, ttl: TTL, data: address }] : [],
  });
  socket.send(answer, from.port, from.address);
});
socket.bind(Number(port));
