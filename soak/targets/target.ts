import type { Gate } from './gate.ts';
import type { Listener } from './listener.ts';

/** A program that doors lead to, or several that do the same, with what can go wrong with them. */
export interface Target {
  /** Listens again. */
  readonly start: () => Promise<void>;
  /** Listens no more: what is new is refused by the kernel. What lives goes on. */
  readonly refuse: () => Promise<void>;
  /** Aborts all that lives. */
  readonly abort: () => void;
  /** Reads nothing and says nothing, until told otherwise. */
  readonly beMute: (isMute: boolean) => void;
  /** Reads nothing, until told otherwise. */
  readonly stopReading: (isStopped: boolean) => void;
}

/** What listens so, and passes these gates before it says or reads anything. */
export function targetOf(
  listener: Listener,
  { mute, reading }: { readonly mute: Gate; readonly reading: Gate },
): Target {
  return {
    start: () => listener.start(),
    refuse: () => listener.refuse(),
    abort: () => listener.abort(),
    beMute: (isMute) => (isMute ? mute.shut() : mute.open()),
    stopReading: (isStopped) => (isStopped ? reading.shut() : reading.open()),
  };
}
