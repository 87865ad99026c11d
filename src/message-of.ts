/** Longer messages are cut, as a peer may have had a say in them. */
const MAX_LENGTH = 1_000;

/** What a caught value says of itself, in 1,000 characters at most. */
export function messageOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.length > MAX_LENGTH ? `${message.slice(0, MAX_LENGTH)}...` : message;
}
