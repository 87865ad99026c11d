/** AlertDescription (RFC 8446 §6). */
const DESCRIPTIONS = { access_denied: 49, decode_error: 50, unrecognized_name: 112 } as const;
const ALERT = 21;
const FATAL = 2;

/** A fatal alert, in a record of its own. */
export function tlsAlert(description: keyof typeof DESCRIPTIONS): Buffer {
  return Buffer.from([ALERT, 3, 3, 0, 2, FATAL, DESCRIPTIONS[description]]);
}
