const HIDDEN = '***';

/** URLs, separated by spaces, with their users and passwords and the values in their queries hidden. */
export function maskUrls(text: string): string {
  return text.replaceAll(/\S+/g, (url) => {
    // What does not parse may hold the password's `/` or `?` as it is: then all up to the last `@` may be part of it.
    const credentials = URL.canParse(url) ? /:\/\/[^/?#]*@/ : /:\/\/.*@/;
    return url.replace(credentials, `://${HIDDEN}@`).replaceAll(/([?&][^=&#]*=)[^&#]+/g, `$1${HIDDEN}`);
  });
}

/** An SMTP command; of AUTH, what follows the mechanism is hidden (RFC 4954 §4). */
export function maskCommand(text: string): string {
  return text.replace(/^(AUTH\s+\S+\s+).*/i, `$1${HIDDEN}`);
}
