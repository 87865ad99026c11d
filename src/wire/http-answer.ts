interface Answer {
  readonly status: number;
  readonly reason: string;
  /** For whoever reads it. */
  readonly text: string;
  /** The kind of error (RFC 9209 §2.3). */
  readonly error: string;
}

/** An answer of our own, as bytes, after which the connection is closed. Proxy-Status (RFC 9209) tells it from the target's. */
export function httpAnswer({ status, reason, text, error }: Answer): string {
  const body = `${text}\n`;
  return [
    `HTTP/1.1 ${status} ${reason}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `Proxy-Status: sallyport; error=${error}; details=${quoted(text)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

/** A string of RFC 9651 §3.3.3: visible ASCII and spaces. */
function quoted(text: string): string {
  return `"${text.replaceAll(/[^ -~]+/g, '?').replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
