import * as fc from 'fast-check';

import type { Step } from '../exchange.ts';
import { CHUNKED, head } from './text.ts';

/** A line of a head as it is sent, and as it arrives: null if it does not. */
type Line = readonly [sent: string, arrives: string | null];

interface Request {
  readonly client: string;
  readonly arrives: string;
  readonly isHead: boolean;
  readonly hasContent: boolean;
  readonly persists: boolean;
}

interface Options {
  readonly asProxy: boolean;
  /** The target's. */
  readonly port: number;
}

const TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".split('');
const VISIBLE = [...characters(0x21, 0x7e), ...characters(0x80, 0xff)];
const VALUE = [...VISIBLE, ' ', '\t'];
const ANY = characters(0, 0xff);

function characters(first: number, last: number): readonly string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => String.fromCodePoint(first + i));
}

function text(of: readonly string[], maxLength: number): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...of), { maxLength }).map((all) => all.join(''));
}

function cased(word: string): fc.Arbitrary<string> {
  return fc.constantFrom(word, word.toUpperCase(), word.toLowerCase());
}

/** Fields on which nothing depends, with all that a value may hold. */
const fields = fc.array(
  fc.tuple(text(TOKEN, 12), text(VALUE, 30)).map(([name, value]) => `X-${name}y:${value}`),
  { maxLength: 6 },
);

/** Content in chunks (RFC 9112 §7.1), with extensions and trailers. */
function chunks(extension: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const line = (size: number) =>
    fc
      .tuple(fc.constantFrom('', '0', '000'), cased(size.toString(16)), extension)
      .map((parts) => `${parts.join('')}\r\n`);
  const chunk = text(ANY, 40)
    .filter((data) => data !== '')
    .chain((data) => line(data.length).map((first) => `${first}${data}\r\n`));
  return fc
    .tuple(fc.array(chunk, { maxLength: 6 }), line(0), fields)
    .map(([all, last, trailers]) => `${all.join('')}${last}${head(...trailers)}`);
}

const STRICT_EXTENSION = fc.option(text(VISIBLE, 10)).map((rest) => (rest === null ? '' : `;${rest}`));
const EXTENSION = fc
  .option(fc.tuple(fc.constantFrom(';', ' ;', '\t', ' '), text(VALUE, 10)))
  .map((parts) => parts?.join('') ?? '');

const OPTIONS = ['keep-alive', 'close', 'X-Hop', 'TE'];
/** Connection fields: options with odd spaces between them. */
const connections = fc.array(
  fc.record({
    name: fc.constantFrom('Connection:', 'connection: ', 'CONNECTION: '),
    options: fc.array(fc.constantFrom(...OPTIONS).chain(cased), { minLength: 1, maxLength: 3 }),
    separator: fc.constantFrom(', ', ',', ' ,', ',,\t'),
  }),
  { maxLength: 2 },
);

function request({ asProxy, port }: Options): fc.Arbitrary<Request> {
  const host = asProxy ? `api.test:${port}` : 'api.test';
  const parts = fc.record({
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'QUERY', 'list'),
    path: text(
      VISIBLE.filter((character) => character !== '#'),
      40,
    ),
    minor: fc.constantFrom('1', '1', '1', '0'),
    name: fc.constantFrom('Host:', 'hOST: '),
    connections,
    others: fields,
    content: fc.oneof(fc.constant(null), text(ANY, 300)),
    inChunks: fc.option(chunks(STRICT_EXTENSION)),
  });
  return parts.chain(({ method, path, minor, name, connections: said, others, content, inChunks }) => {
    const isChunked = inChunks !== null && minor === '1';
    const hasContent = isChunked || (content !== null && content !== '');
    const options = new Set(said.flatMap((field) => field.options.map((option) => option.toLowerCase())));
    const dropped = new Set(hasContent ? ['keep-alive', 'close'] : []);
    const isNamed = (option: string) => asProxy && options.has(option);
    const lines: readonly Line[] = [
      [`${name}${host}`, asProxy ? `Host: ${host}` : `${name}${host}`],
      ...said.map((field): Line => {
        const line = `${field.name}${field.options.join(field.separator)}`;
        const kept = asProxy ? [] : field.options.filter((option) => !dropped.has(option.toLowerCase()));
        if (kept.length === field.options.length) return [line, line];
        return [line, kept.length === 0 ? null : `${field.name.trim()} ${kept.join(', ')}`];
      }),
      ['Keep-Alive: timeout=5', hasContent || isNamed('keep-alive') ? null : 'Keep-Alive: timeout=5'],
      ['x-hop:1', isNamed('x-hop') ? null : 'x-hop:1'],
      ['TE: trailers', isNamed('te') ? null : 'TE: trailers'],
      ['Proxy-Connection: x', asProxy ? null : 'Proxy-Connection: x'],
      ...others.map((line): Line => [line, line]),
      ...(isChunked ? [CHUNKED] : content === null ? [] : [`Content-Length: ${content.length}`]).map(
        (line): Line => [line, line],
      ),
    ];
    const body = isChunked ? inChunks : (content ?? '');
    const isKept = minor === '1' || (!asProxy && options.has('keep-alive'));
    return fc.shuffledSubarray([...lines], { minLength: lines.length }).map((shuffled) => ({
      client: `${head(
        `${method} ${asProxy ? `http://${host}` : ''}/${path} HTTP/1.${minor}`,
        ...shuffled.map(([sent]) => sent),
      )}${body}`,
      arrives: `${head(
        `${method} /${path} HTTP/1.${minor}`,
        ...(hasContent ? ['Connection: close'] : []),
        ...shuffled.flatMap(([, arrives]) => arrives ?? []),
        ...(asProxy ? [`Via: 1.${minor} sallyport`] : []),
      )}${body}`,
      isHead: method === 'HEAD',
      hasContent,
      persists: isKept && !options.has('close'),
    }));
  });
}

interface Answer {
  readonly text: string;
  readonly ends: boolean;
  readonly persists: boolean;
}

/** How an answer is made for a request, of which only whether it was HEAD matters. */
const answers: fc.Arbitrary<(isHead: boolean) => Answer> = fc
  .record({
    hints: fc.array(fields, { maxLength: 2 }),
    status: fc.constantFrom('200', '201', '204', '299', '304', '404'),
    reason: text(VALUE, 10),
    minor: fc.constantFrom('1', '1', '1', '0'),
    closes: fc.constantFrom(false, false, true),
    framing: fc.constantFrom('length', 'length twice', 'chunks', 'end'),
    content: text(ANY, 300),
    inChunks: chunks(EXTENSION),
    others: fields,
    order: fc.func(fc.integer()),
  })
  .map(({ hints, status, reason, minor, closes, framing, content, inChunks, others, order }) => (isHead) => {
    const isChunked = framing === 'chunks' && minor === '1';
    const length = `Content-Length: ${content.length}`;
    const lengths = framing === 'length twice' ? [length, length] : [length];
    const lines = [
      ...others,
      ...(isChunked ? [CHUNKED] : framing === 'end' ? [] : lengths),
      ...(closes ? ['Connection: close'] : minor === '0' ? ['connection:Keep-Alive'] : []),
    ];
    const shuffled = lines.toSorted((one, other) => order(one) - order(other));
    const hasContent = !isHead && status !== '204' && status !== '304';
    const ends = framing === 'end' && hasContent;
    return {
      text: [
        ...hints.map((hint) => head('HTTP/1.1 103 Early Hints', ...hint)),
        head(`HTTP/1.${minor} ${status} ${reason}`, ...shuffled),
        hasContent ? (isChunked ? inChunks : content) : '',
      ].join(''),
      ends,
      persists: !ends && !closes,
    };
  });

/** Up to three requests that are allowed, and their answers, with which nothing is wrong. */
export function exchanges(options: Options): fc.Arbitrary<readonly Step[]> {
  const turns = fc.array(fc.tuple(request(options), answers), { minLength: 1, maxLength: 3 });
  return turns.map((all) => {
    const steps: Step[] = [];
    let isNew = false;
    for (const [{ client, arrives, isHead, hasContent, persists }, answerTo] of all) {
      const answer = answerTo(isHead);
      steps.push({ client, arrives, isNew }, { target: answer.text, ends: answer.ends });
      isNew = hasContent;
      if (!persists || !answer.persists) break;
    }
    return steps;
  });
}
