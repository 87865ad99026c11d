import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

import type { Journal } from '../judge/journal.ts';
import { droppedDatagrams } from '../measure/process.ts';
import type { Random } from '../random.ts';
import { attempt, type Endpoint, type Load } from './attempt.ts';
import { type Datagram, decodeDatagram, encodeDatagram, LARGEST_CONTENT } from './datagram.ts';
import { WrongError } from './wrong-error.ts';

const MOST_BURSTS = 12;
const LARGEST_BURST = 8;
/** What is not answered by then is lost, in ms. */
const PATIENCE = 15_000;

/** A target behind a door, over UDP. */
export interface UdpWay {
  readonly endpoint: Endpoint;
  readonly target: number;
}

/** Bursts of datagrams from one socket, each of which is answered by as many other bytes. */
export function udpLoad({ name, door, clients }: Omit<Load, 'run'>, way: UdpWay): Load {
  let opened = 0;
  const run = async (random: Random, journal: Journal) => {
    const client = await UdpClient.open(way, opened++);
    for (let left = random.whole(1, MOST_BURSTS); left > 0; left--)
      if (!(await attempt(journal, { load: name, door }, () => client.burst(random)))) break;
    client.close();
  };
  return { name, door, clients, run };
}

class UdpClient {
  readonly #socket: Socket;
  readonly #way: UdpWay;
  readonly #number: number;
  /** By sequence number, as they were sent. */
  readonly #sent = new Map<number, Datagram>();
  #next = 0;
  #bytes = 0;
  #answeredAt: number | null = null;
  #burst = Promise.withResolvers<void>();
  /** Of the burst, those that are not answered yet. */
  readonly #open = new Set<number>();

  private constructor(socket: Socket, way: UdpWay, number: number) {
    this.#socket = socket;
    this.#way = way;
    this.#number = number;
    socket.on('error', () => {});
    socket.on('message', (bytes) => {
      try {
        this.#take(bytes);
      } catch (cause) {
        this.#burst.reject(cause instanceof WrongError ? cause : new WrongError(String(cause)));
      }
    });
  }

  static async open(way: UdpWay, number: number): Promise<UdpClient> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 2 ** 21 });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new UdpClient(socket, way, number);
  }

  /** Resolves once all are answered, or those that the kernel has dropped are not. Rejects when one is lost otherwise. */
  async burst(random: Random) {
    const dropped = droppedDatagrams();
    const { host = '127.0.0.1', port } = this.#way.endpoint;
    this.#burst = Promise.withResolvers();
    this.#burst.promise.catch(() => {});
    this.#bytes = 0;
    this.#answeredAt = null;
    this.#open.clear();
    const size = random.whole(1, LARGEST_BURST);
    for (let count = 0; count < size; count++) {
      const content = { start: random.whole(0, 2 ** 20), length: random.size(1, LARGEST_CONTENT) };
      const datagram = { client: this.#number, sequence: this.#next++, isAnswer: false, target: 0, content };
      this.#sent.set(datagram.sequence, datagram);
      this.#open.add(datagram.sequence);
      this.#socket.send(encodeDatagram(datagram), port, host, () => {});
    }
    // Behind what has come meanwhile, should this process have been held up itself.
    const giveUp = () => setImmediate(() => this.#giveUp(droppedDatagrams() - dropped));
    const timer = setTimeout(giveUp, PATIENCE);
    try {
      await this.#burst.promise;
      return { bytes: this.#bytes, answeredAt: this.#answeredAt, hasLeft: false };
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#socket.close();
  }

  #giveUp(dropped: number): void {
    if (dropped >= 1) return this.#burst.resolve();
    this.#burst.reject(new Error('unanswered, and the kernel tells of no datagram that it dropped'));
  }

  #take(bytes: Buffer): void {
    const { client, sequence, isAnswer, target, content } = decodeDatagram(bytes);
    const asked = this.#sent.get(sequence);
    if (!isAnswer || client !== this.#number || asked === undefined)
      throw new WrongError(`datagram ${sequence} of client ${client} came to client ${this.#number}`);
    if (target !== this.#way.target) throw new WrongError(`target ${target} answered`);
    if (content.start !== asked.content.start + 1 || content.length !== asked.content.length)
      throw new WrongError(`the answer to datagram ${sequence} is another's`);
    this.#sent.delete(sequence);
    this.#answeredAt ??= performance.now();
    this.#bytes += 2 * content.length;
    this.#open.delete(sequence);
    if (this.#open.size === 0) this.#burst.resolve();
  }
}
