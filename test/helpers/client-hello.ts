interface Options {
  /** What one server_name extension lists. */
  readonly names?: readonly string[];
  /** Extensions as they are, behind server_name. */
  readonly extensions?: readonly Buffer[];
  /** The greatest fragment of a record, in bytes; of several, each record in turn. */
  readonly recordSize?: number | readonly number[];
  /** To the end of the last record's fragment. */
  readonly trailer?: Buffer;
}

const CLIENT_HELLO = 1;

/** A vector with its length in front, in so many bytes. */
export function vector(size: 1 | 2 | 3, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length = Buffer.alloc(size);
  length.writeUIntBE(content.length, 0, size);
  return Buffer.concat([length, content]);
}

export function extension(type: number, data: Buffer): Buffer {
  return Buffer.concat([uint16(type), vector(2, data)]);
}

/** A server_name extension (RFC 6066 §3). */
export function serverName(...names: readonly string[]): Buffer {
  const entries = names.map((name) => Buffer.concat([Buffer.of(0), vector(2, Buffer.from(name, 'latin1'))]));
  return extension(0, vector(2, ...entries));
}

/** The least ClientHello that a server could make sense of, in its records. */
export function clientHello({
  names = ['api.test'],
  extensions = [],
  recordSize = 16_384,
  trailer,
}: Options = {}): Buffer {
  const all = [...(names.length > 0 ? [serverName(...names)] : []), ...extensions];
  const body = Buffer.concat([
    uint16(0x0303),
    Buffer.alloc(32, 7),
    vector(1, Buffer.alloc(32, 8)),
    vector(2, uint16(0x1301), uint16(0x1302)),
    vector(1, Buffer.of(0)),
    ...(all.length > 0 ? [vector(2, ...all)] : []),
  ]);
  return records(
    22,
    Buffer.concat([Buffer.of(CLIENT_HELLO), vector(3, body), trailer ?? Buffer.alloc(0)]),
    recordSize,
  );
}

/** Bytes in records of a type, cut as `recordSize` has it. */
export function records(type: number, bytes: Buffer, recordSize: Options['recordSize'] = 16_384): Buffer {
  const sizes = [recordSize].flat();
  const cut: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const end = at + (sizes[i % sizes.length] ?? 1);
    cut.push(Buffer.of(type, 3, 1), vector(2, bytes.subarray(at, end)));
    at = end;
  }
  return Buffer.concat(cut);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
