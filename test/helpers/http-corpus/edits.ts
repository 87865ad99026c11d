import * as fc from 'fast-check';

import { HIDDEN } from './hidden.ts';

/** A change in some place of a text. */
type Edit = (text: string) => string;
/** Where an edit is made: at any place, or where the next such character is. */
const PLACES: readonly RegExp[] = [/[^]/g, /[^]/g, /\r/g, /\n/g, /[: ]/g, /\d/g, /[,;]/g, /\r\n\r\n/g];
const INSERTED = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  '\x00',
  '\x0b',
  '\x0c',
  '\x1c',
  '\x7f',
  '\x80',
  '\x85',
  '\xa0',
  '\xff',
  ':',
  ';',
  ',',
  '0',
  '1',
  '_',
  '-',
  '"',
  '\\',
  '#',
  '@',
  '/',
  '%',
  ' HTTP/1.1',
  'chunked',
  'Host: bad.test\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Connection: close\r\n',
  'X: x\r\n',
  'X: ',
  '\r\n\r\n',
  HIDDEN,
  'http://bad.test',
  '\r\n ',
  '\n ',
  'a',
];

const EDIT: fc.Arbitrary<Edit> = fc
  .tuple(
    fc.nat(100_000),
    fc.constantFrom(...PLACES),
    fc.constantFrom('insert', 'replace', 'delete', 'line', 'bit'),
    fc.constantFrom(...INSERTED),
    fc.nat(7),
  )
  .map(([where, near, kind, inserted, small]) => (text) => {
    near.lastIndex = where % (text.length + 1);
    const at = near.exec(text)?.index ?? near.lastIndex;
    const after = (count: number) => text.slice(at + count);
    const before = text.slice(0, at);
    if (kind === 'insert') return before + inserted + after(0);
    if (kind === 'replace') return before + inserted + after(1);
    if (kind === 'delete') return before + after(1 + (small % 4));
    if (kind === 'bit')
      return before + String.fromCharCode((text.charCodeAt(at) || 0) ^ (1 << small)) + after(1);
    // A line is there twice.
    const start = before.lastIndexOf('\n') + 1;
    const end = text.indexOf('\n', at) + 1;
    return text.slice(0, end) + text.slice(start, end) + text.slice(end);
  });
/** Mostly none. */
export const EDITS: fc.Arbitrary<readonly Edit[]> = fc.oneof(
  { weight: 6, arbitrary: fc.constant([]) },
  { weight: 3, arbitrary: fc.array(EDIT, { minLength: 1, maxLength: 1 }) },
  fc.array(EDIT, { minLength: 2, maxLength: 4 }),
);
