import { Checker, type Content, LARGEST_PIECE, pieceOf } from '../content.ts';

/** What a datagram says of itself: whose it is, which one, which way it goes, and its content. */
export interface Datagram {
  readonly client: number;
  readonly sequence: number;
  readonly isAnswer: boolean;
  /** The number of the target that answers; 0 on the way to it. */
  readonly target: number;
  readonly content: Content;
}

const MAGIC = 0x534f554b;
const HEAD = 28;
export const LARGEST_CONTENT = 32_768;

/** The datagram as bytes. */
export function encodeDatagram({ client, sequence, isAnswer, target, content }: Datagram): Buffer {
  const head = Buffer.alloc(HEAD);
  const words = [MAGIC, client, sequence, isAnswer ? 1 : 0, target, content.start, content.length];
  words.forEach((word, index) => head.writeUInt32BE(word, 4 * index));
  return Buffer.concat([head, pieceOf(content, 0, LARGEST_PIECE)]);
}

/** The datagram again. Throws, with what is wrong, where it is not whole and as it was sent. */
export function decodeDatagram(bytes: Buffer): Datagram {
  if (bytes.length < HEAD || bytes.readUInt32BE(0) !== MAGIC)
    throw new Error(
      `a datagram of ${bytes.length} bytes that nobody sent: ${bytes.subarray(0, HEAD).toString('hex')}`,
    );
  const word = (index: number) => bytes.readUInt32BE(4 * index);
  const content = { start: word(5), length: word(6) };
  const checker = new Checker(content);
  const fault = checker.take(bytes.subarray(HEAD));
  if (fault !== null) throw new Error(`a datagram: ${fault}`);
  if (!checker.isComplete)
    throw new Error(`a datagram was cut to ${checker.received} bytes of ${content.length}`);
  return { client: word(1), sequence: word(2), isAnswer: word(3) === 1, target: word(4), content };
}
