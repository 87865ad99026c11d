import type { LookupAddress } from 'node:dns';

import { messageOf } from '../message-of.ts';
import { endpoint } from './endpoint.ts';

/** Where a relay leads. */
export interface Target {
  /** The name, for messages. */
  readonly host: string;
  readonly port: number;
  /**
   * The addresses that may be dialled now, never none; with `fresh`, from an answer that is asked for now. Rejects when there is none, or
   * with the signal's reason.
   */
  readonly resolve: (
    signal: AbortSignal,
    options?: { readonly fresh?: boolean },
  ) => Promise<readonly LookupAddress[]>;
}

/** The target could not be reached; the message says which, and why. */
export class DialError extends Error {
  constructor({ host, port }: Target, cause: unknown) {
    super(`failed to connect to ${endpoint(host, port)}: ${messageOf(cause)}`, { cause });
    this.name = 'DialError';
  }
}

/** The target could not be reached in time. */
export class DialTimeoutError extends Error {
  constructor(cause: DialError) {
    super(cause.message, { cause });
    this.name = 'DialTimeoutError';
  }
}

/** The target was reached, and ended without an answer. */
export class AnswerError extends Error {
  constructor({ host, port }: Target, cause: unknown) {
    super(`no answer from ${endpoint(host, port)}: ${messageOf(cause)}`, { cause });
    this.name = 'AnswerError';
  }
}
