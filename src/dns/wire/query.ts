import { randomInt } from 'node:crypto';

import { type Message, type Query, readMessage } from './message.ts';
import { isSameName } from './names.ts';

export type Question = Pick<Query, 'name' | 'type'>;

const ID_RANGE = 2 ** 16;

/**
 * A question with a random id, which an answer has to echo, and with `mixCase` in letters of random case (0x20), which it has to echo too: what a forger
 * off the path has to guess (RFC 5452). Without, it has no capitals.
 */
export function makeQuery(
  { name, type }: Question,
  { edns, mixCase }: { readonly edns: boolean; readonly mixCase: boolean },
): Query {
  return { id: randomInt(ID_RANGE), name: mixCase ? mixed(name) : name.toLowerCase(), type, edns };
}

/**
 * How well a message answers a query: `exact`, in another case than was asked (`case`), or not at all. An error needs no question: a server that cannot
 * read one may send its header alone.
 */
export function matchAnswer(
  query: Query,
  { id, isResponse, question, rcode }: Message,
): 'exact' | 'case' | 'none' {
  if (!isResponse || id !== query.id) return 'none';
  if (question === null) return rcode === 'NOERROR' || rcode === 'NXDOMAIN' ? 'none' : 'exact';
  if (question.type !== query.type || !isSameName(question.name, query.name)) return 'none';
  return question.name === query.name.replace(/\.$/, '') ? 'exact' : 'case';
}

/**
 * The answer to a query, in whatever case. Throws for another message, and for one that is said to be whole, and of whose records of the type that was
 * asked for none is sound.
 */
export function readAnswer(query: Query, message: Buffer): Message {
  const answer = readMessage(message);
  if (answer === null) throw new Error('the answer is malformed');
  if (matchAnswer(query, answer) === 'none') throw new Error('the answer is to another question');
  const { rcode, isTruncated, isSpoilt, answers } = answer;
  const isWhole = rcode === 'NOERROR' && !isTruncated;
  if (isWhole && isSpoilt && !answers.some(({ type }) => type === query.type))
    throw new Error(`the answer holds no sound ${query.type} record`);
  return answer;
}

function mixed(name: string): string {
  return name.replaceAll(/[a-z]/gi, (letter) =>
    randomInt(2) === 0 ? letter.toLowerCase() : letter.toUpperCase(),
  );
}
