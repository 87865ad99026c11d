import type { LookupAddress } from 'node:dns';

import { messageOf } from '../lib/message-of.ts';
import { ResolveError } from '../lib/resolve-error.ts';
import { endpoint } from './endpoint.ts';
import type { NameCounters } from './name-counters.ts';

/** What can be dialled. */
export interface Destination {
  /** The name, for messages. */
  readonly host: string;
  readonly port: number;
  /**
   * The addresses that may be dialled now, never none, for which it waits as long as that may help; with `fresh`, from an answer that is asked for now.
   * Rejects when there is none (ResolveError), when they are our own, or with the signal's reason.
   */
  readonly resolve: (
    signal: AbortSignal,
    options?: { readonly fresh?: boolean },
  ) => Promise<readonly LookupAddress[]>;
}

/** Where a relay leads. */
export interface Target extends Destination {
  /** As clients ask for it: the name, and the port where they choose that too. */
  readonly asked: string;
  /** What counts for its name. To be called when it is dialled: only then is the name counted at all. */
  readonly tally: () => NameCounters;
}

/** Where a client is led; to be told when it has ended. */
export interface Lead {
  readonly target: Target;
  readonly end: () => void;
}

/** A socket that leads to a target, and the address that it has reached. */
export interface Dialled<S> {
  readonly socket: S;
  readonly address: LookupAddress;
}

/** The target could not be reached; the message says which, and why. */
export class DialError extends Error {
  constructor({ host, port }: Destination, cause: unknown) {
    super(`failed to connect to ${endpoint(host, port)}: ${messageOf(cause)}`, { cause });
    this.name = 'DialError';
  }

  /** In few words, as it is counted. */
  get reason(): 'name not resolved' | 'target unreachable' {
    return this.cause instanceof ResolveError ? 'name not resolved' : 'target unreachable';
  }
}

/** The target was reached, and ended without an answer. */
export class AnswerError extends Error {
  constructor({ host, port }: Destination, cause: unknown) {
    super(`no answer from ${endpoint(host, port)}: ${messageOf(cause)}`, { cause });
    this.name = 'AnswerError';
  }
}
