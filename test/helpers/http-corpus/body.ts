import * as fc from 'fast-check';

import { HIDDEN } from './hidden.ts';
import { mostly } from './mostly.ts';

const DATA: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      'x',
      'hello',
      HIDDEN,
      `0\r\n\r\n${HIDDEN}`,
      '\r\n',
      '\r\n\r\n',
      '0\r\n\r\n',
      '\n',
      HIDDEN.replaceAll('\r\n', '\n'),
      HIDDEN.replaceAll('\r\n', '\r'),
      `\r\n${HIDDEN}`,
      'a'.repeat(300),
      '5\r\nhello\r\n',
      '\x00',
      '\x80\xff',
    ),
  },
  fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

/** How a length may be written; LENGTH is the true one. */
const LENGTHS = ['Content-Length: LENGTH', 'Content-Length: LENGTH', 'content-length:LENGTH'];
const ODD_LENGTHS = [
  'Content-Length: MORE',
  'Content-Length: LESS',
  'Content-Length: 0LENGTH',
  'Content-Length: +LENGTH',
  'Content-Length:  LENGTH',
  'Content-Length: LENGTH ',
  'Content-Length:\tLENGTH',
  'Content-Length: LENGTH, LENGTH',
  'Content-Length: LENGTH\r\nContent-Length: LENGTH',
  'Content-Length: LENGTH\r\nContent-Length: 0',
  'Content-Length: 0xLENGTH',
  'Content-Length: LENGTH.0',
  'Content-Length: -LENGTH',
  'Content-Length: LENGTH\x00',
  'Content-Length: \xb2',
  'Content-Length : LENGTH',
  'Content-Length: 9007199254740992',
  'Content-Length: 9007199254740991',
  'Content-Length: 18446744073709551617',
  'Content-Length: 4294967297',
  'Content-Length: LENGTH\r\nTransfer-Encoding: chunked',
  'Content-Length: LENGTH\r\nTransfer-Encoding: identity',
  'Content_Length: LENGTH',
  'Content-Length: 0',
  'X: x',
];
type Body = readonly [fields: string, content: string];

const ofLength: fc.Arbitrary<Body> = fc.tuple(mostly(LENGTHS, ODD_LENGTHS, 8), DATA).map(([field, data]) => [
  field
    .replaceAll('LENGTH', `${data.length}`)
    .replace('MORE', `${data.length + 1}`)
    .replace('LESS', `${data.length - 1}`),
  data,
]);

const CODINGS = ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked', 'transfer-encoding:Chunked'];
const ODD_CODINGS = [
  'Transfer-Encoding: chunked ',
  'Transfer-Encoding:  chunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, gzip',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nContent-Length: 3',
  'Content-Length: 3\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked;q=1',
  'Transfer-Encoding: "chunked"',
  'Transfer-Encoding: ,chunked',
  'Transfer-Encoding: chunked,',
  'Transfer-Encoding: chun\x00ked',
  'Transfer-Encoding: chunked\x0b',
  'Transfer-Encoding: chunked\xa0',
  'Transfer-Encoding:\r\n chunked',
  'Transfer_Encoding: chunked',
  'Transfer-Encoding\x00: chunked',
  'TE: chunked',
  'Transfer-Encoding:',
  'X: x',
];
const SIZES: readonly ((hex: string) => string)[] = [
  (hex) => hex,
  (hex) => hex,
  (hex) => hex.toUpperCase(),
  (hex) => `0${hex}`,
  (hex) => `00000000${hex}`.slice(-13),
];
const ODD_SIZES: readonly ((hex: string) => string)[] = [
  (hex) => `0x${hex}`,
  (hex) => `+${hex}`,
  (hex) => `-${hex}`,
  (hex) => ` ${hex}`,
  (hex) => `${hex} `,
  (hex) => `${hex}\t`,
  (hex) => `${hex}\x00`,
  (hex) => `${hex}\xa0`,
  (hex) => `${'0'.repeat(20)}${hex}`,
  (hex) => `1${hex}`,
  (hex) => `1000000000000000${hex}`,
  (hex) => `${hex},`,
  (hex) => `${hex}_`,
  () => '',
  () => 'g',
  () => '1',
  () => 'ffffffffffff',
  () => '-1',
  () => '0',
];
const EXTENSIONS = ['', '', '', '', '', '', ';a', ';a=b', ';a="b"', ';', ';;', ';\xe4'];
const ODD_EXTENSIONS = [
  ' ;a',
  ';a ',
  ';a\t',
  '; a',
  ';a=" "',
  ';\x00',
  ';\x7f',
  ';a="\r\n"',
  ';\n',
  ';\r',
  '\r',
  '\n',
  ` ${HIDDEN}`,
  ';a\r\x0b',
  `;${'a'.repeat(5_000)}`,
  `;${'a'.repeat(4_000)}`,
  '\r\rGET /smuggled HTTP/1.1\rHost: bad.test\r\r',
  ';\rGET /smuggled HTTP/1.1\rHost: bad.test\r\r',
];
const ODD_ENDS = ['\n', '\r', '', '\r\r\n', '\n\r', 'x\r\n', ' \r\n', '\r\n\r\n', '\n\n', '\x00\r\n'];
const END = mostly(['\r\n'], ODD_ENDS, 60);

interface Chunk {
  readonly data: string;
  readonly size: (hex: string) => string;
  readonly extension: string;
  readonly lineEnd: string;
  readonly dataEnd: string;
}

const SIZE = mostly(SIZES, ODD_SIZES, 40);
const EXTENSION = mostly(EXTENSIONS, ODD_EXTENSIONS, 30);
const CHUNK: fc.Arbitrary<Chunk> = fc.record({
  data: DATA,
  size: SIZE,
  extension: EXTENSION,
  lineEnd: END,
  dataEnd: END,
});
const TRAILER = mostly(
  ['X: x', 'Trailer-X:', 'Digest: a=b', 'X: \xe4'],
  [
    'Host: bad.test',
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
    'Content_Length: 5',
    'Connection: close',
    'X',
    ' x',
    'X : x',
    'X: x\nY: y',
    'X: x\rY: y',
    'X: \x00',
    `X: ${'x'.repeat(4_000)}`,
    HIDDEN.trimEnd(),
    'Ho\xf6st: x',
    ': x',
  ],
  6,
);

const inChunks: fc.Arbitrary<Body> = fc
  .record({
    coding: mostly(CODINGS, ODD_CODINGS, 12),
    chunks: fc.array(CHUNK, { maxLength: 3 }),
    last: fc.record({
      size: mostly(
        ['0', '0', '0', '0', '00', '000'],
        ['0x0', '-0', ' 0', '0 ', '', '0\x00', '0'.repeat(14), '1'],
        30,
      ),
      extension: EXTENSION,
      lineEnd: END,
    }),
    trailers: fc.oneof(
      { weight: 4, arbitrary: fc.constant<[string, string][]>([]) },
      fc.array(fc.tuple(TRAILER, END), { maxLength: 2 }),
    ),
    end: END,
  })
  .map(({ coding, chunks, last, trailers, end }) => {
    const lines = chunks.map(
      ({ data, size, extension, lineEnd, dataEnd }) =>
        `${size(data.length.toString(16))}${extension}${lineEnd}${data}${dataEnd}`,
    );
    const tail = trailers.map(([line, lineEnd]) => line + lineEnd).join('');
    return [coding, `${lines.join('')}${last.size}${last.extension}${last.lineEnd}${tail}${end}`];
  });

/** The last fields of a request, which say where its content ends, and the content. */
export const BODY: fc.Arbitrary<Body> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Body>(['', '']) },
  { weight: 3, arbitrary: ofLength },
  { weight: 3, arbitrary: inChunks },
);
