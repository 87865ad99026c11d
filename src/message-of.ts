/** Longer messages are cut, as a peer may have had a say in them. */
const MAX_LENGTH = 1_000;

/** What a caught value says of itself, in 1,000 characters at most. */
export function messageOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.length > MAX_LENGTH ? `${message.slice(0, MAX_LENGTH)}...` : message;
}

/** Fields of a line with errors as they will read: as keys, and between threads, classes tell nothing. */
export function inWords(fields: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? messageOf(value) : value]),
  );
}
