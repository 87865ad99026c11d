const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** What stands in targets, and in values beside spaces and tabs (RFC 9112 §3.2, RFC 9110 §5.5); from 0x80 on it is opaque. */
const VISIBLE = String.raw`\x21-\x7e\x80-\xff`;
const FIELD = String.raw`${TOKEN}:[\t ${VISIBLE}]*\r\n`;
const FIELD_LINE = new RegExp(`^${FIELD}$`);
const CUT_FIELD_LINE = new RegExp(String.raw`^(?:${TOKEN}(?::[\t ${VISIBLE}]*\r?)?|\r)$`);
/** All field lines, and the empty line behind them (RFC 9112 §5). */
const SECTION = new RegExp(String.raw`(?:${FIELD})*\r\n`, 'y');
/** A request line up to its version (RFC 9112 §3): method and target. */
const REQUEST_START = new RegExp(`^${TOKEN}`);
export const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([${VISIBLE}]+) `);

/** Fields that say whom a message is for, where it ends, or what becomes of its connection. */
const NAMES = 'host content-length transfer-encoding connection upgrade expect trailer'.split(' ');
const OTHER = String.raw`[^a-z:\n]*`;
/** The letters of such a name, whatever stands between them: some servers take `Content_Length` for Content-Length. */
const NAME = `${OTHER}(?:${NAMES.map((name) => name.replace('-', '').split('').join(OTHER)).join('|')})${OTHER}`;
// One pass over all lines of a head, which V8 compiles to machine code: 0.6 µs for a usual head, less than
// looking each name up would take, and the grammar can be read beside RFC 9112.
const NOTABLE_LINE = new RegExp(`^${NAME}:`, 'i');
const NOTABLE = new RegExp(String.raw`\n(${NAME}):([^\r]*)`, 'gi');

/** Whether a request may begin so: with a method, or a part of one. */
export function isRequestStart(text: string): boolean {
  return REQUEST_START.test(text);
}

/** Whether a line without its CRLF is a field line (RFC 9112 §5). */
export function isFieldLine(line: string): boolean {
  return FIELD_LINE.test(line);
}

/** Whether a line may become one, or the empty line behind all. */
export function isCutFieldLine(line: string): boolean {
  return CUT_FIELD_LINE.test(line);
}

/** Whether a field line has such a name, or one that could be taken for it. */
export function isNotable(line: string): boolean {
  return NOTABLE_LINE.test(line);
}

/** Has all such fields told of a head whose fields begin at `at`: names in small letters, values as they are. */
export function eachNotable(head: string, at: number, tell: (name: string, value: string) => void): void {
  NOTABLE.lastIndex = at - 1;
  for (let match = NOTABLE.exec(head); match !== null; match = NOTABLE.exec(head))
    tell((match[1] as string).toLowerCase(), match[2] as string);
}

/** Whether the head consists of field lines from `at` on, and ends with the empty line behind them. */
export function isSection(head: string, at: number): boolean {
  SECTION.lastIndex = at;
  return SECTION.test(head) && SECTION.lastIndex === head.length;
}

/** A value without the white space around it, which is no part of it (RFC 9110 §5.5). */
export function withoutSpace(value: string): string {
  return value.replaceAll(/^[\t ]+|[\t ]+$/g, '');
}

/** The items of a list (RFC 9110 §5.6.1). */
export function splitList(value: string): readonly string[] {
  return value.split(',').map(withoutSpace).filter(Boolean);
}

/** The same in small letters. */
export function listItems(value: string): readonly string[] {
  return splitList(value.toLowerCase());
}
