import type { Load } from '../loads/attempt.ts';
import type { Target } from '../targets/target.ts';
import type { DoorSpec } from './door.ts';
import type { TargetList } from './target-list.ts';

/** A door, what it leads to, and who goes through it. */
export interface Place {
  readonly spec: DoorSpec;
  /** What streams lead to. */
  readonly streams: readonly Target[];
  /** What datagrams lead to. */
  readonly datagrams: readonly Target[];
  readonly loads: readonly Load[];
  /** Whether it may be ended and started again. The others are measured from the start to the end. */
  readonly mayRestart: boolean;
  /** Where clients may come in a crowd, that say nothing; null where they may not. */
  readonly crowdAt: number | null;
  /** Its list, where it goes by a file. */
  readonly list: TargetList | null;
}
