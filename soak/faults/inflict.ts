import { setTimeout as wait } from 'node:timers/promises';

import type { Windows } from '../judge/windows.ts';
import { messageOf } from '../message-of.ts';
import type { Fault } from './fault.ts';
import type { Planned } from './schedule.ts';

/** Who waits for a name has it asked for again each second: its grace, in ms. */
const ASKED_AGAIN = 5_000;

interface Options<T> {
  readonly victim: T;
  /** Those that are excused, unless the fault names another. */
  readonly doors: readonly string[];
  /** Those that are started again now and then, and so have no names yet when a nameserver fails. */
  readonly failing?: readonly string[];
  /** How long excuses last beyond the fault, in ms. */
  readonly grace: number;
  readonly windows: Windows;
  /** Is told of each that begins; what it returns, of its end. */
  readonly note: (name: string) => () => void;
  /** Is told where a fault cannot be inflicted, or ended. */
  readonly wrong: (message: string) => void;
  readonly signal: AbortSignal;
}

/** Inflicts one fault after the other, each at its time, or later if another has taken longer. Resolves when all is well again. */
export async function inflict<T>(
  planned: readonly Planned<Fault<T>>[],
  { victim, doors, failing = [], grace, windows, note, wrong, signal }: Options<T>,
): Promise<void> {
  const start = performance.now();
  for (const { fault, at, lasts } of planned) {
    await wait(at - (performance.now() - start), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const over = note(fault.name);
    const { excuses, excusedDoor, name } = fault;
    const close = [
      ...(excuses === null
        ? []
        : [
            windows.open({
              fault: name,
              doors: excusedDoor === undefined ? doors : [excusedDoor],
              excuse: excuses,
              grace,
            }),
          ]),
      ...(excuses === 'staleness'
        ? [windows.open({ fault: name, doors: failing, excuse: 'failure', grace: ASKED_AGAIN })]
        : []),
    ];
    try {
      const end = await fault.begin(victim);
      await wait(lasts, undefined, { signal }).catch(() => {});
      await end();
    } catch (cause) {
      wrong(`${name}: ${messageOf(cause)}`);
    }
    for (const each of close) each();
    over();
  }
}
