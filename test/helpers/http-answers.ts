import { AnswerReader } from '../../src/wire/http-answer-reader.ts';

/** An answer as the reader reads it. */
export interface PassedAnswer {
  readonly status: number;
  /** Where its own head begins in all that the target sends. */
  readonly start: number;
  /** Where it ends in all that the target sends: Infinity at the end of the connection, NaN where that has not come. */
  end: number;
  /** The heads of itself and of the interim ones before it, and its content, all as it came. */
  text: string;
  isUnderstood: boolean;
  /** Whether another one may come behind it. */
  readonly persists: boolean;
  /** Whether the bytes behind it are another protocol's. */
  readonly isSwitch: boolean;
}

/** Passes a target's bytes through the reader, as src/relay/http/upstream.ts does. */
export function passBack(pieces: readonly Buffer[], methods: readonly string[]): readonly PassedAnswer[] {
  const reader = new AnswerReader();
  const answers: PassedAnswer[] = [];
  const due = [...methods];
  let before = 0;
  let heads = '';
  let current: PassedAnswer | null = null;

  const takeHead = (end: number) => {
    const start = end - (reader.end - reader.start);
    heads += reader.bytes.toString('latin1', reader.start, reader.end);
    const { status, isUnderstood, persists } = reader;
    const isSwitch = status === 101 || (reader.method === 'CONNECT' && status >= 200 && status < 300);
    if (isUnderstood && status < 200 && !isSwitch) return;
    current = {
      status,
      start,
      end: reader.left === Infinity ? Infinity : NaN,
      text: heads,
      isUnderstood,
      persists,
      isSwitch,
    };
    answers.push(current);
    heads = '';
  };

  for (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const start = at;
      if (current === null) {
        const [method] = due;
        if (method === undefined) return answers;
        reader.method = method;
        at = reader.readHead(piece, at, piece.length);
        if (reader.hasHead) takeHead(before + at);
      } else {
        at = reader.readContent(piece, at, piece.length);
        (current as PassedAnswer).text += piece.toString('latin1', start, at);
      }
      if (at <= start || at > piece.length) throw new Error(`from ${start} the reader went to ${at}`);
      if (current === null) continue;
      const answer: PassedAnswer = current;
      answer.isUnderstood &&= reader.isUnderstood;
      if (!answer.isUnderstood) answer.end = Infinity;
      if (!reader.isBetween && !answer.isSwitch) continue;
      answer.end = before + at;
      due.shift();
      current = null;
      if (answer.isSwitch || !answer.persists) return answers;
    }
    before += piece.length;
  }
  return answers;
}
