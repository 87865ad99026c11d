import { copyBytes } from '../lib/own-bytes.ts';
import { Roster } from '../lib/roster.ts';
import { sourceOf } from '../lib/source-of.ts';
import { Crowd, type Member } from '../relay/crowd.ts';
import { IdleTimer } from '../relay/idle-timer.ts';
import type { TcpSocket, TcpSocketHandler } from '../relay/tcp/tcp-socket.ts';
import { type Knowledge, MAX_ANSWER, writeAnswer } from './answer.ts';
import type { AskedRecords } from './asked-records.ts';
import { createKnowledge, type Judging } from './knowledge.ts';

interface Options extends Judging {
  readonly records: AskedRecords;
  /** How long a connection may be without a whole question, in ms. */
  readonly idleTimeout: number;
}

/** How many connections there may be, and what they may hold in all of questions that have not come as a whole, in bytes. */
const BOUNDS = { size: 100, bytes: 512 * 1024, leaver: 'oldest' } as const;
/** What a message's length takes (RFC 1035 §4.2.2), in bytes. */
const PREFIX = 2;
/** What is read of a connection before others are, in bytes: a hundred questions. */
const READ_LIMIT = 4_096;
/** Answers that go together, in bytes. */
const CHUNK = 4_096;
const NOTHING: Buffer = Buffer.alloc(0);

/** Serves those who ask over TCP. They share what is bounded. */
export class TcpClients {
  readonly crowd = new Crowd(BOUNDS);
  readonly options: Options;
  readonly #open = new Roster<Client>();

  constructor(options: Options) {
    this.options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Serves a client until it has asked all that it wants to. */
  serve(socket: TcpSocket): void {
    const client = new Client(socket, this);
    this.#open.add(client);
    client.start();
  }

  /** To be called when a client is gone. */
  forget(client: Client): void {
    this.#open.delete(client);
  }

  /** Ends all. */
  close(): void {
    for (const client of this.#open.toArray()) client.end();
  }
}

/**
 * A connection with any number of questions, one behind the other (RFC 7766 §6.2.1.1), which are answered as they come. It is among a crowd that those who
 * have asked longest ago leave first.
 */
class Client implements Member, TcpSocketHandler {
  readonly onlyMovesBytes = true;
  /** Among those that are open. */
  index = -1;
  readonly source: string;
  held = 0;
  previous: Client | null = null;
  next: Client | null = null;

  readonly #socket: TcpSocket;
  readonly #clients: TcpClients;
  readonly #knowledge: Knowledge;
  /** Only whole questions count: who sends a byte at a time is as idle as who sends none. */
  readonly #idle: IdleTimer;
  /** A question that has not come as a whole, in memory of its own. */
  #half = NOTHING;
  #isInCrowd = false;

  constructor(socket: TcpSocket, clients: TcpClients) {
    const { records, idleTimeout } = clients.options;
    const { remoteAddress = '', remotePort, localAddress = '' } = socket;
    this.source = sourceOf(remoteAddress);
    this.#socket = socket;
    this.#clients = clients;
    this.#knowledge = createKnowledge(clients.options, {
      client: () => ({ address: remoteAddress, port: remotePort ?? 0 }),
      records: () => records.at(localAddress, (address) => address),
    });
    this.#idle = new IdleTimer(idleTimeout, () => this.end());
  }

  start(): void {
    this.#enterCrowd();
    this.#socket.handler = this;
    this.#socket.readLimit = READ_LIMIT;
    this.#socket.start();
  }

  /** All that it brings is answered, four times as many bytes at most; more is read when there is room for more. */
  onBytes(bytes: Buffer, length: number): void {
    const come = bytes.subarray(0, length);
    const all = this.#half.length === 0 ? come : Buffer.concat([this.#half, come]);
    const end = this.#answer(all);
    this.#half = end === all.length ? NOTHING : copyBytes(all, end);
    if (end > 0) this.#hasAsked();
    if (this.#socket.isFull) this.#socket.pause();
    if (this.#isInCrowd) this.#clients.crowd.hold(this, this.#half.length);
  }

  onRoom(): void {
    if (!this.#socket.isFull) this.#socket.resume();
  }

  /** Answers all whole questions, and returns where the rest begins. */
  #answer(bytes: Buffer): number {
    const socket = this.#socket;
    let chunk = NOTHING;
    let filled = 0;
    let at = 0;
    while (at + PREFIX <= bytes.length) {
      const end = at + PREFIX + bytes.readUInt16BE(at);
      if (end > bytes.length) break;
      if (filled + PREFIX + MAX_ANSWER > chunk.length) {
        socket.write(chunk, 0, filled);
        chunk = Buffer.allocUnsafe(CHUNK); // a stream may keep it
        filled = 0;
      }
      const room = chunk.subarray(filled + PREFIX);
      const length = writeAnswer(bytes.subarray(at + PREFIX, end), room, this.#knowledge);
      if (length > 0) {
        chunk.writeUInt16BE(length, filled);
        filled += PREFIX + length;
      }
      at = end;
    }
    socket.write(chunk, 0, filled);
    return at;
  }

  #hasAsked(): void {
    this.#idle.touch();
    this.#leaveCrowd();
    if (this.#socket.isOpen) this.#enterCrowd();
  }

  #enterCrowd(): void {
    this.#isInCrowd = true;
    this.#clients.crowd.enter(this);
  }

  #leaveCrowd(): void {
    if (this.#isInCrowd) this.#clients.crowd.leave(this);
    this.#isInCrowd = false;
  }

  /** What has been asked is answered; the rest was no question. */
  onFin(): void {
    this.#socket.sendFin();
  }

  onFailing(): void {
    this.#socket.reset();
  }

  onClose(): void {
    this.#leaveCrowd();
    this.#idle.stop();
    this.#clients.forget(this);
  }

  onSentAway(): void {
    this.#isInCrowd = false;
    this.end();
  }

  /** Ends it with a FIN, or a reset where answers wait that nobody reads. */
  end(): void {
    if (this.#socket.isFull) this.#socket.reset();
    else this.#socket.close();
  }
}
