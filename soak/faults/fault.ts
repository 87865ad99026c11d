import type { Door } from '../doors/door.ts';
import type { Place } from '../doors/place.ts';
import type { Excuse } from '../judge/windows.ts';
import type { Random } from '../random.ts';
import type { Nameserver } from '../targets/nameserver.ts';

/** What a fault that befalls one door is given. */
export interface Victim {
  readonly place: Place;
  readonly door: Door;
  /** What it draws while it lasts. */
  readonly random: Random;
  readonly wrong: (message: string) => void;
}

/** Something that goes wrong for a while. */
export interface Fault<T> {
  readonly name: string;
  /** How long it lasts, in ms; both bounds included. */
  readonly lasts: readonly [number, number];
  /** What it excuses; null: nothing may fail for it. */
  readonly excuses: Excuse | null;
  /** At which door, as windows name it; by default the one that it befalls. */
  readonly excusedDoor?: string;
  /** Begins; resolves with what ends it. */
  readonly begin: (victim: T) => Promise<() => Promise<void>>;
}

/** What befalls one door. */
export interface DoorFault extends Fault<Victim> {
  readonly canBefall: (place: Place) => boolean;
}

export type NameserverFault = Fault<{ readonly nameserver: Nameserver; readonly random: Random }>;
