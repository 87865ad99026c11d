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
