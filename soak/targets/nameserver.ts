import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import * as dnsPacket from 'dns-packet';

/** What a nameserver does: answers; says nothing; answers what nobody asked; or knows no name. */
export type NameserverMood = 'honest' | 'mute' | 'lying' | 'nxdomain';

/** The least that a door keeps an answer, in s. */
const TTL = 5;
const NXDOMAIN = 3;
/** Where no target is: whoever believes a lie fails. */
const LIE = '127.83.99.99';

/** A nameserver of one zone, over UDP, and the addresses of its names now and before. */
export class Nameserver {
  readonly #addresses = new Map<string, string>();
  /** By name and address: until when it was told, by performance.now(); Infinity: it is. */
  readonly #toldUntil = new Map<string, number>();
  readonly #socket = createSocket('udp4');
  mood: NameserverMood = 'honest';

  async start(port: number): Promise<void> {
    this.#socket.on('message', (question, from) => {
      for (const answer of this.#answer(question))
        this.#socket.send(answer, from.port, from.address, () => {});
    });
    this.#socket.bind(port, '127.0.0.1');
    await once(this.#socket, 'listening');
  }

  close(): void {
    this.#socket.close();
  }

  set(name: string, address: string): void {
    const before = this.#addresses.get(name);
    if (before === address) return;
    if (before !== undefined) this.#toldUntil.set(`${name} ${before}`, performance.now());
    this.#addresses.set(name, address);
    this.#toldUntil.set(`${name} ${address}`, Infinity);
  }

  names(): readonly string[] {
    return [...this.#addresses.keys()];
  }

  /** Since how many ms an address is a name's no longer; 0 while it is. */
  staleness(name: string, address: string): number {
    return Math.max(0, performance.now() - (this.#toldUntil.get(`${name} ${address}`) ?? -Infinity));
  }

  #answer(bytes: Buffer): readonly Buffer[] {
    const { id = 0, questions = [] } = dnsPacket.decode(bytes);
    const [question] = questions;
    if (question === undefined || this.mood === 'mute') return [];
    const address = this.#addresses.get(question.name.toLowerCase());
    const isKnown = address !== undefined && this.mood !== 'nxdomain';
    const reply = (changes: object) =>
      dnsPacket.encode({
        type: 'response',
        id,
        flags: dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE | (isKnown ? 0 : NXDOMAIN),
        questions,
        answers:
          isKnown && question.type === 'A'
            ? [{ type: 'A', name: question.name, ttl: TTL, data: address }]
            : [],
        ...changes,
      });
    if (this.mood !== 'lying') return [reply({})];
    const forged = [{ type: 'A' as const, name: question.name, ttl: TTL, data: LIE }];
    const other = [{ ...question, name: `other.${question.name}` }];
    return [
      reply({ id: (id + 1) % 65_536, answers: forged }),
      reply({ questions: other, answers: forged }),
      reply({ answers: [{ type: 'A', name: `other.${question.name}`, ttl: TTL, data: LIE }] }).subarray(
        0,
        -3,
      ),
    ];
  }
}
