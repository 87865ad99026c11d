import { ByteCursor } from './byte-cursor.ts';
import { HandshakeReader } from './handshake-reader.ts';
import { Refusal } from './refusal.ts';

/** What a ClientHello (RFC 8446 §4.1.2) says of whom it is for. */
export interface ClientHello {
  /** The one host name of server_name (RFC 6066 §3), as it was sent; not judged. */
  readonly name: string;
  /** Whether it hides another one (RFC 9849), or pretends to. */
  readonly hasOuterEch: boolean;
  /** From the start of the stream to the end of the hello, in bytes. */
  readonly length: number;
}

const CLIENT_HELLO = 1;
/** ExtensionType (RFC 6066 §3, RFC 9849 §5). */
const SERVER_NAME = 0;
const ENCRYPTED_CLIENT_HELLO = 0xfe_0d;
const HOST_NAME = 0;
/** ECHClientHelloType (RFC 9849 §5). */
const OUTER = 0;
const RANDOM_LENGTH = 32;
const MAX_SESSION_ID = 32;

/**
 * Reads the name out of a ClientHello, however it is cut into records and segments.
 *
 * A ClientHello is a few nested vectors. read-tls-client-hello 2.0 reads one record alone, so that a hello
 * cut into two is none to it, and turns an extension that it cannot parse into none at all, which a check
 * must tell apart.
 */
export class ClientHelloReader {
  readonly #reader: HandshakeReader;

  /** `afterRetry`: the second of a connection, behind a HelloRetryRequest. */
  constructor({ afterRetry = false } = {}) {
    this.#reader = new HandshakeReader({ type: CLIENT_HELLO, isAfterRetry: afterRetry });
  }

  /** Takes the next bytes; null while more are needed. Throws a Refusal. */
  push(chunk: Buffer): ClientHello | null {
    const message = this.#reader.push(chunk);
    if (message === null) return null;
    if (!message.endsRecord)
      throw new Refusal('malformed', 'something follows the ClientHello in its record');
    return { ...readHello(message.body), length: message.length };
  }

  free(): void {
    this.#reader.free();
  }
}

function readHello(body: Buffer): Omit<ClientHello, 'length'> {
  const hello = new ByteCursor(body);
  hello.skip(2); // legacy_version
  hello.skip(RANDOM_LENGTH);
  hello.vector(1, 0, MAX_SESSION_ID);
  if (hello.vector(2, 2).length % 2 !== 0) throw new Refusal('malformed', 'half a cipher suite');
  hello.vector(1, 1); // legacy_compression_methods
  const extensions = readExtensions(hello);

  const serverNames = extensions.filter(({ type }) => type === SERVER_NAME);
  const names = serverNames.flatMap(({ data }) => readServerNames(data));
  const [name] = names;
  if (name === undefined)
    throw new Refusal('no name', 'the client sends no name (SNI), as one that dials an address');
  if (names.length > 1 || serverNames.length > 1)
    throw new Refusal('several names', 'the ClientHello has several names', names.join(' '));
  const hasOuterEch = extensions.some(
    ({ type, data }) => type === ENCRYPTED_CLIENT_HELLO && data.length > 0 && data.number(1) === OUTER,
  );
  return { name, hasOuterEch };
}

/** None, where the hello ends before them (RFC 5246 §7.4.1.2). */
function readExtensions(hello: ByteCursor): readonly { readonly type: number; readonly data: ByteCursor }[] {
  if (hello.length === 0) return [];
  const list = hello.vector(2);
  if (hello.length > 0) throw new Refusal('malformed', 'something follows the extensions');
  const extensions = [];
  while (list.length > 0) extensions.push({ type: list.number(2), data: list.vector(2) });
  return extensions;
}

function readServerNames(data: ByteCursor): readonly string[] {
  const list = data.vector(2, 1);
  if (data.length > 0) throw new Refusal('malformed', 'something follows the server names');
  const names = [];
  while (list.length > 0) {
    if (list.number(1) !== HOST_NAME) throw new Refusal('malformed', 'a server name is no host name');
    names.push(list.vector(2, 1).text);
  }
  return names;
}
