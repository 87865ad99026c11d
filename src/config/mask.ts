const HIDDEN = '***';
/** Between HTTP URLs: a comma may be part of one, and so may a space, by mistake. */
const SEPARATOR = /(?:\s*,\s*|\s+)(?=https?:)/gi;
/**
 * A scheme and slashes of either kind, of which the URL standard needs none (WHATWG URL §4.4), then what stands before the host. Within a path it is
 * another URL, whose own scheme was mistyped.
 */
const CREDENTIALS = /(^[^:]*:[/\\]*|:[/\\]+)[^/?#]*@/g;

/** URLs that are separated by spaces or commas. */
export function splitUrls(text: string): readonly string[] {
  return text.split(SEPARATOR);
}

/** Such URLs with their users and passwords and the values in their queries hidden. */
export function maskUrls(text: string): string {
  const urls = splitUrls(text);
  const areSound = urls.every((url) => URL.canParse(url) && !/\s/.test(url));
  const separators = [...text.matchAll(SEPARATOR)].map(([separator]) => separator);
  // What does not parse may hold the password's `/`, `?` or space as it is: then all up to the last `@` may be part of it.
  const shown = areSound
    ? urls.map((url, i) => url.replaceAll(CREDENTIALS, `$1${HIDDEN}@`) + (separators[i] ?? '')).join('')
    : text.replace(/^([^:@]*:[/\\]*)?.*@/s, `$1${HIDDEN}@`);
  return shown.replaceAll(/([?&][^=&#\s]*=)[^&#\s]+/g, `$1${HIDDEN}`);
}

/** An SMTP command; of AUTH, what follows the mechanism is hidden (RFC 4954 §4). */
export function maskCommand(text: string): string {
  return text.replace(/^(AUTH\s+\S+\s+).*/i, `$1${HIDDEN}`);
}
