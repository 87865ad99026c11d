import type { LookupAddress } from 'node:dns';

import { endpoint } from './endpoint.ts';

/** Where a relay leads. */
export interface Target {
  /** The name, for messages. */
  readonly host: string;
  readonly port: number;
  /** The addresses to dial now, best first; never empty. Rejects when there is none, or with the signal's reason. */
  readonly resolve: (signal: AbortSignal) => Promise<readonly LookupAddress[]>;
}

/** The target could not be reached; the message says which, and why. */
export class DialError extends Error {
  constructor({ host, port }: Target, cause: unknown) {
    super(`failed to connect to ${endpoint(host, port)}: ${reasonOf(cause)}`, { cause });
    this.name = 'DialError';
  }
}

function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join(', ');
  return cause instanceof Error ? cause.message : String(cause);
}
