/** A name has no address to give; the message is what the resolver said. */
export class ResolveError extends Error {
  /** Whether the answer is definite (RFC 2308: the name does not exist, or has no address), so that asking again soon is no use. */
  readonly isFinal: boolean;

  constructor(message: string, options: { readonly isFinal: boolean; readonly cause?: unknown }) {
    super(message, options);
    this.name = 'ResolveError';
    this.isFinal = options.isFinal;
  }
}

/** Whether a lookup failed with a definite answer. */
export function isFinal(cause: unknown): boolean {
  return cause instanceof ResolveError && cause.isFinal;
}
