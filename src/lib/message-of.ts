/** Longer messages are cut, as a peer may have had a say in them. */
const MAX_LENGTH = 1_000;

/** Of certificates whose issuer is not trusted here, as Node names OpenSSL's X509_V_ERR_... */
const UNTRUSTED: ReadonlySet<unknown> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
const TRUST_IT =
  '(if a private CA has issued it, mount that over /etc/ssl/certs/ca-certificates.crt, or set NODE_EXTRA_CA_CERTS to its path)';

/** What a caught value says of itself, in 1,000 characters at most, and what there is to do where that can be told. */
export function messageOf(cause: unknown): string {
  const message = cause instanceof Error ? advised(cause) : String(cause);
  return message.length > MAX_LENGTH ? `${message.slice(0, MAX_LENGTH)}...` : message;
}

/** nodemailer puts a code of its own in place of Node's. Node's advice, behind a semicolon, is one that the image has followed. */
function advised(cause: Error & { readonly code?: unknown; readonly originalCode?: unknown }): string {
  const { message, code, originalCode = code } = cause;
  return UNTRUSTED.has(originalCode) ? `${message.split(';')[0]} ${TRUST_IT}` : message;
}

/** Fields of a line with errors as they will read: as keys, and between threads, classes tell nothing. */
export function inWords<T extends object>(fields: T): T {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? messageOf(value) : value]),
  ) as T;
}
