import type { LookupAddress } from 'node:dns';
import { setTimeout as delay } from 'node:timers/promises';

import { abortable } from '../abortable.ts';

interface Options {
  readonly resolve: (name: string, signal: AbortSignal) => Promise<readonly LookupAddress[]>;
  readonly log: {
    readonly info: (fields: object, message: string) => void;
    readonly warn: (fields: object, message: string) => void;
  };
  /** Ends the asking. */
  readonly signal: AbortSignal;
}

/** A name's addresses, known as soon as the first answer has come. */
export interface AddressBook {
  /** The addresses, the one to dial first in front: another one at each call. Waits for the first answer; rejects with the signal's reason. */
  readonly addresses: (signal: AbortSignal) => Promise<readonly LookupAddress[]>;
}

/** Pauses between attempts while no nameserver answers, in ms. */
const FIRST_RETRY = 1_000;
const LAST_RETRY = 30_000;

/** Opens the book on a name and asks in the background until there is an answer; a failure is said once. */
export function openAddressBook(name: string, { resolve, log, signal }: Options): AddressBook {
  const answered = firstAnswer();
  let turn = 0;

  async function firstAnswer(): Promise<readonly LookupAddress[]> {
    for (let pause = FIRST_RETRY, hasFailed = false; ; pause = Math.min(pause * 2, LAST_RETRY)) {
      try {
        const addresses = await resolve(name, signal);
        log.info({ name, addresses: addresses.map(({ address }) => address) }, 'name resolved');
        return addresses;
      } catch (err) {
        if (!hasFailed) log.warn({ name, err }, 'the name cannot be resolved yet; still trying');
        hasFailed = true;
        await delay(pause, undefined, { signal });
      }
    }
  }

  return {
    async addresses(waitSignal) {
      const addresses = await abortable(answered, waitSignal);
      turn = (turn + 1) % addresses.length;
      return [...addresses.slice(turn), ...addresses.slice(0, turn)];
    },
  };
}
