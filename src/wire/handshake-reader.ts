import { Refusal } from './refusal.ts';

interface Options {
  /** HandshakeType of the message (RFC 8446 §4). */
  readonly type: number;
  /** Whether what a client sends between two ClientHellos may come before it: change_cipher_spec (RFC 8446 §D.4), early data (§4.2.10). */
  readonly isAfterRetry: boolean;
}

interface Message {
  readonly body: Buffer;
  /** From the start of the stream to the end of the message, in bytes. */
  readonly length: number;
  /** Whether a record ends with it. */
  readonly endsRecord: boolean;
}

/** ContentType (RFC 8446 §5.1). */
const CHANGE_CIPHER_SPEC = 20;
const HANDSHAKE = 22;
const APPLICATION_DATA = 23;
const MAJOR_VERSION = 3;
/** In bytes (RFC 8446 §5.1 and §5.2). */
const MAX_FRAGMENT = 2 ** 14;
const MAX_ENCRYPTED_FRAGMENT = MAX_FRAGMENT + 256;
const RECORD_HEADER = 5;
const MESSAGE_HEADER = 4;
/** Of all bytes up to the end of the message; the message alone must fit as well. */
const MAX_LENGTH = 64 * 1024;

/** Puts the first handshake message of a TLS stream together, however it is cut into records, and these into segments. */
export class HandshakeReader {
  readonly #options: Options;
  readonly #header = Buffer.alloc(RECORD_HEADER);
  #headerLength = 0;
  /** Of the current record. */
  #left = 0;
  #isSkipped = false;
  #message = Buffer.allocUnsafe(512);
  #messageLength = 0;
  #length = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Takes the next bytes; null while more are needed. Throws a Refusal as soon as it cannot be such a message. */
  push(chunk: Buffer): Message | null {
    for (let at = 0; at < chunk.length;) {
      const taken = this.#left > 0 ? this.#takeFragment(chunk, at) : this.#takeHeader(chunk, at);
      at += taken;
      this.#length += taken;
      const end = this.#messageEnd();
      if (this.#messageLength >= end) {
        return {
          body: this.#message.subarray(MESSAGE_HEADER, end),
          length: this.#length,
          endsRecord: this.#left === 0 && this.#messageLength === end,
        };
      }
      if (this.#length >= MAX_LENGTH) throw new Refusal('too long', 'the handshake message is too long');
    }
    return null;
  }

  #takeHeader(chunk: Buffer, at: number): number {
    const taken = chunk.copy(this.#header, this.#headerLength, at);
    this.#headerLength += taken;
    const [type, major = MAJOR_VERSION] = this.#header.subarray(0, this.#headerLength);
    this.#isSkipped = type === CHANGE_CIPHER_SPEC || type === APPLICATION_DATA;
    // Between records of one message no other may be (RFC 8446 §5.1).
    const maySkip = this.#options.isAfterRetry && this.#messageLength === 0;
    const isExpected = type === HANDSHAKE || (this.#isSkipped && maySkip);
    if (!isExpected || major !== MAJOR_VERSION) throw malformed('that is no handshake record');
    if (this.#headerLength === RECORD_HEADER) {
      this.#headerLength = 0;
      this.#left = this.#header.readUInt16BE(3);
      const most = type === APPLICATION_DATA ? MAX_ENCRYPTED_FRAGMENT : MAX_FRAGMENT;
      if (this.#left === 0 || this.#left > most) throw malformed('a record has a wrong length');
    }
    return taken;
  }

  #takeFragment(chunk: Buffer, at: number): number {
    const taken = Math.min(this.#left, chunk.length - at);
    this.#left -= taken;
    if (!this.#isSkipped) {
      this.#reserve(this.#messageLength + taken);
      chunk.copy(this.#message, this.#messageLength, at, at + taken);
      this.#messageLength += taken;
      if (this.#message[0] !== this.#options.type) throw malformed('that is another handshake message');
    }
    return taken;
  }

  /** The length that the message says it has, with its header; Infinity before that is known. */
  #messageEnd(): number {
    if (this.#messageLength < MESSAGE_HEADER) return Infinity;
    const end = MESSAGE_HEADER + this.#message.readUIntBE(1, 3);
    if (end > MAX_LENGTH) throw new Refusal('too long', `the handshake message is ${end} bytes long`);
    return end;
  }

  #reserve(size: number): void {
    if (size <= this.#message.length) return;
    const larger = Buffer.allocUnsafe(Math.max(size, this.#message.length * 2));
    this.#message.copy(larger, 0, 0, this.#messageLength);
    this.#message = larger;
  }
}

function malformed(reason: string): Refusal {
  return new Refusal('malformed', reason);
}
