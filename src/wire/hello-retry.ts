import { HandshakeReader } from './handshake-reader.ts';

const SERVER_HELLO = 2;
/** The random of a ServerHello that asks for another ClientHello: SHA-256 of "HelloRetryRequest" (RFC 8446 §4.1.3). */
const RETRY_RANDOM = Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex');
const RANDOM_START = 2;

/** Tells whether a server asks for another ClientHello. */
export class HelloRetryReader {
  readonly #reader = new HandshakeReader({ type: SERVER_HELLO, isAfterRetry: false });

  /** Takes the next bytes; null while more are needed. What is no ServerHello does not ask. Never throws. */
  push(chunk: Buffer): boolean | null {
    try {
      const message = this.#reader.push(chunk);
      if (message === null) return null;
      return message.body.subarray(RANDOM_START, RANDOM_START + RETRY_RANDOM.length).equals(RETRY_RANDOM);
    } catch {
      return false;
    }
  }

  free(): void {
    this.#reader.free();
  }
}
