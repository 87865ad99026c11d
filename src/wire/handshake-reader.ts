import { GrowingBytes } from './growing-bytes.ts';
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
  /** Of the current record: its ContentType, how much of its header has been taken, and how much of its fragment is left. */
  #type = 0;
  #headerLength = 0;
  #left = 0;
  readonly #message = new GrowingBytes();
  #length = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * Takes the next bytes; null while more are needed. Throws a Refusal as soon as it cannot be such a message. What it tells of one lies in memory that `free`
   * gives back.
   */
  push(chunk: Buffer): Message | null {
    for (let at = 0; at < chunk.length;) {
      const isHeader = this.#headerLength < RECORD_HEADER;
      const taken = isHeader ? this.#takeHeader(chunk[at] as number) : this.#takeFragment(chunk, at);
      at += taken;
      this.#length += taken;
      const message = isHeader ? null : this.#whole();
      if (message !== null) return message;
      if (this.#length >= MAX_LENGTH) throw new Refusal('too long', 'the handshake message is too long');
    }
    return null;
  }

  /** The message, once it is there. */
  #whole(): Message | null {
    const { bytes } = this.#message;
    if (bytes.length > 0 && bytes[0] !== this.#options.type)
      throw malformed('that is another handshake message');
    if (bytes.length < MESSAGE_HEADER) return null;
    const end = MESSAGE_HEADER + bytes.readUIntBE(1, 3);
    if (end > MAX_LENGTH) throw new Refusal('too long', `the handshake message is ${end} bytes long`);
    if (bytes.length < end) return null;
    return {
      body: bytes.subarray(MESSAGE_HEADER, end),
      length: this.#length,
      endsRecord: this.#left === 0 && bytes.length === end,
    };
  }

  /** Gives back the memory of the message. */
  free(): void {
    this.#message.free();
  }

  get #isSkipped(): boolean {
    return this.#type === CHANGE_CIPHER_SPEC || this.#type === APPLICATION_DATA;
  }

  /** Takes one byte of type, version and length. */
  #takeHeader(byte: number): number {
    const index = this.#headerLength++;
    if (index === 0) this.#takeType(byte);
    else if (index === 1 && byte !== MAJOR_VERSION) throw noRecord();
    else if (index > 2) this.#left = this.#left * 2 ** 8 + byte;
    const most = this.#type === APPLICATION_DATA ? MAX_ENCRYPTED_FRAGMENT : MAX_FRAGMENT;
    if (this.#headerLength === RECORD_HEADER && (this.#left === 0 || this.#left > most))
      throw malformed('a record has a wrong length');
    return 1;
  }

  #takeType(type: number): void {
    this.#type = type;
    // Between records of one message no other may be (RFC 8446 §5.1).
    const maySkip = this.#options.isAfterRetry && this.#message.length === 0;
    if (type !== HANDSHAKE && !(this.#isSkipped && maySkip)) throw noRecord();
  }

  #takeFragment(chunk: Buffer, at: number): number {
    const taken = Math.min(this.#left, chunk.length - at);
    this.#left -= taken;
    if (this.#left === 0) this.#headerLength = 0;
    if (!this.#isSkipped) this.#message.add(chunk, at, at + taken);
    return taken;
  }
}

function noRecord(): Refusal {
  return malformed('that is no handshake record');
}

function malformed(reason: string): Refusal {
  return new Refusal('malformed', reason);
}
