/**
 * How a PostgreSQL client begins that wants to be encrypted: eight bytes in plain text, which the server answers with one, before the ClientHello (PostgreSQL's
 * documentation, Frontend/Backend Protocol, "SSL Session Encryption", "GSSAPI Session Encryption" and "Message Formats").
 */
export const SSL_REQUEST = Buffer.from('0000000804d2162f', 'hex');
const TLS = SSL_REQUEST.toString('latin1');
const GSSAPI = Buffer.from('0000000804d21630', 'hex').toString('latin1');
/** What a StartupMessage of version 3 begins with, as its length is below 64 KiB, and has behind its length; clients send it that want no encryption. */
const [SHORT, VERSION_3] = ['\0\0', '\0\x03\0'];
const LENGTH = 4;
/** The length counts itself and the version. */
const SHORTEST = '\0\0\0\x08';

/** The server's answers. */
export const GRANTED = 'S';
export const DENIED = 'N';

/** What a client asks for whose first bytes, in Latin-1, begin so: null while more are needed, undefined where it is no PostgreSQL client. */
export function readPostgresRequest(start: string): 'TLS' | 'GSSAPI' | 'nothing' | null | undefined {
  if (start.startsWith(TLS)) return 'TLS';
  if (start.startsWith(GSSAPI)) return 'GSSAPI';
  if (TLS.startsWith(start) || GSSAPI.startsWith(start)) return null;
  const [length, version] = [start.slice(0, LENGTH), start.slice(LENGTH)];
  if (length.length === LENGTH && length < SHORTEST) return undefined;
  if (start.startsWith(SHORT) && version.startsWith(VERSION_3)) return 'nothing';
  return SHORT.startsWith(length.slice(0, SHORT.length)) && VERSION_3.startsWith(version) ? null : undefined;
}
