/** In place of a label's length: where the name goes on is in the other 14 bits (RFC 1035 §4.1.4). */
const POINTER = 0xc0;
const POINTER_MASK = 0x3fff;
/** In bytes (RFC 1035 §2.3.4). */
export const MAX_LABEL = 63;
/** In bytes on the wire, the root's included (RFC 1035 §2.3.4). */
export const MAX_NAME = 255;

/** Whether two names are the same: letters in either case, with or without the root's dot (RFC 4343). */
export function isSameName(a: string, b: string): boolean {
  return canonical(a) === canonical(b);
}

function canonical(name: string): string {
  return name.replace(/\.$/, '').toLowerCase();
}

/** A name as the wire has it, uncompressed; escapes as readName makes them. Throws for what is too long. */
export function encodeName(name: string): Buffer {
  const labels = name.match(/(?:\\\d{3}|\\.|[^\\.])+/g) ?? [];
  const bytes = labels.map((label) => Buffer.from(label.replaceAll(/\\(\d{3}|.)/g, unescaped), 'latin1'));
  const encoded = Buffer.concat([
    ...bytes.flatMap((label) => [Buffer.from([label.length]), label]),
    Buffer.from([0]),
  ]);
  if (encoded.length > MAX_NAME || bytes.some(({ length }) => length > MAX_LABEL))
    throw new Error(`${name} is too long for a name in DNS`);
  return encoded;
}

/** The byte behind a name in a message; Infinity where the name does not end in it. */
export function endOfName(message: Buffer, start: number): number {
  let at = start;
  while (at < message.length) {
    const length = message[at] as number;
    if (length === 0) return at + 1;
    if (length >= POINTER) return at + 2;
    if (length > MAX_LABEL) return Infinity;
    at += 1 + length;
  }
  return Infinity;
}

/**
 * A name in a message, as zone files write it: what is not printable, and dots and backslashes within a label, are escaped (RFC 1035 §5.1). Null
 * for what is no name. Pointers lead backwards, and no more steps are taken than the longest name needs.
 */
export function readName(message: Buffer, start: number): string | null {
  const labels: string[] = [];
  let [at, from, size] = [start, start, 1];
  for (let steps = 0; steps < MAX_NAME && at < message.length; steps++) {
    const length = message[at] as number;
    if (length === 0) return labels.join('.');
    if (length >= POINTER) {
      const to = at + 1 < message.length ? message.readUInt16BE(at) & POINTER_MASK : Infinity;
      if (to >= from) return null;
      at = from = to;
    } else {
      const end = at + 1 + length;
      size += 1 + length;
      if (length > MAX_LABEL || size > MAX_NAME || end > message.length) return null;
      labels.push(message.toString('latin1', at + 1, end).replaceAll(/[^!-~]|[.\\]/g, escaped));
      at = end;
    }
  }
  return null;
}

function escaped(char: string): string {
  return /[.\\]/.test(char) ? `\\${char}` : `\\${String(char.charCodeAt(0)).padStart(3, '0')}`;
}

function unescaped(_escape: string, what: string): string {
  return what.length === 1 ? what : String.fromCharCode(Number(what));
}
