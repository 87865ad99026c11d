import type { SourceFilter } from '../relay/source-filter.ts';
import type { Datagrams, UdpSocket } from '../relay/udp/sockets.ts';
import { writeAnswer } from './answer.ts';
import type { AskedRecords } from './asked-records.ts';
import { createKnowledge, type Judging } from './knowledge.ts';
import type { AddressRecords } from './records.ts';

interface Options extends Judging {
  /** What the socket has received. */
  readonly received: Datagrams;
  readonly records: AskedRecords;
  /** Whether a client may ask; null: all may. */
  readonly isWelcome: SourceFilter | null;
}

/** Answers the questions that a socket receives, each from the address that was asked. */
export function serveUdp(socket: UdpSocket, options: Options): void {
  const { received, records, isWelcome, counters } = options;
  let current = 0;
  const client = () => received.addressOf(received.flow(current));
  const knowledge = createKnowledge(options, {
    client,
    records: recordsHere,
  });

  function mayAsk(): boolean {
    if (isWelcome === null) return true;
    const { address, port } = client();
    return isWelcome(address, port);
  }

  function recordsHere(): AddressRecords {
    const destination = received.destination(current);
    return destination === ''
      ? records.towards(client().address)
      : records.at(destination, (known) => received.addressOfDestination(known));
  }

  function answer(i: number, room: Buffer): number {
    current = i;
    return mayAsk() ? writeAnswer(received.bytes(i), room, knowledge) : 0;
  }

  socket.on('lost', (count) => counters.lost(count));
  socket.on('datagrams', () => socket.reply(answer));
}
