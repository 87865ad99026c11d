import { WrongError } from '../loads/wrong-error.ts';
import { messageOf } from '../message-of.ts';
import type { Excuse, Windows } from './windows.ts';

/** What is counted of a kind of load, within a minute or in all. */
export interface Tally {
  done: number;
  /** Ended by the client itself, in the middle. */
  left: number;
  /** Failed within a fault's window. */
  excused: number;
  /** Failed outside of one, or wrong within one. */
  faults: number;
  bytes: number;
  /** Until the first byte of the answer, in ms. */
  readonly latencies: number[];
}

/** Something that a client does at a door. */
export interface Operation {
  readonly load: string;
  readonly door: string;
  /** When it began, by performance.now(). */
  readonly from: number;
}

interface Done {
  readonly bytes: number;
  readonly answeredAt: number | null;
  readonly hasLeft: boolean;
}

/** Ports and sizes: drawn, and of no use to who reads what failed how often. */
const DRAWN = /\b\d{5}\b|\b\d+(?= bytes\b)|(?<=\bof )\d+/g;
/** How many faults are told as they come. */
const SHOWN = 40;

/** Keeps what became of all operations, and judges those that failed. */
export class Journal {
  readonly #windows: Windows;
  readonly #say: (line: string) => void;
  #startedAt = performance.now();
  readonly #ongoing = new Set<string>();
  #minute = new Map<string, Tally>();
  readonly all = new Map<string, Tally>();
  /** How often each fault was inflicted. */
  readonly inflicted = new Map<string, number>();
  /** What no window excuses. */
  readonly faults: string[] = [];
  /** How often each fault has excused a failure, by the failure. */
  readonly excused = new Map<string, number>();

  constructor(windows: Windows, say: (line: string) => void) {
    this.#windows = windows;
    this.#say = say;
  }

  /** Minutes count from now on. */
  start(): void {
    this.#startedAt = performance.now();
    this.takeMinute();
  }

  /** A fault begins; what is returned is to be called at its end. */
  inflict(fault: string, victim: string): () => void {
    this.inflicted.set(fault, (this.inflicted.get(fault) ?? 0) + 1);
    const ongoing = `${victim}: ${fault}`;
    this.#ongoing.add(ongoing);
    return () => void this.#ongoing.delete(ongoing);
  }

  done({ load, from }: Operation, { bytes, answeredAt, hasLeft }: Done): void {
    this.#count(load, (tally) => {
      tally[hasLeft ? 'left' : 'done']++;
      tally.bytes += bytes;
      if (answeredAt !== null) tally.latencies.push(answeredAt - from);
    });
  }

  /** It failed: a fault, unless a window excuses it. What is wrong is not excused. */
  failed(operation: Operation, cause: unknown, what: Excuse = 'failure'): void {
    const { load, door, from } = operation;
    const message = messageOf(cause);
    const fault =
      cause instanceof WrongError
        ? null
        : this.#windows.excuseFor(door, { from, to: performance.now(), what });
    if (fault === null) {
      this.#count(load, (tally) => tally.faults++);
      return this.wrong(`${load} at ${door}, after ${Math.round(performance.now() - from)} ms: ${message}`);
    }
    this.#count(load, (tally) => tally.excused++);
    const key = `${fault}: ${load}: ${message.replaceAll(DRAWN, '…')}`;
    this.excused.set(key, (this.excused.get(key) ?? 0) + 1);
  }

  /** Something that nothing excuses. */
  wrong(message: string): void {
    const at = ((performance.now() - this.#startedAt) / 60_000).toFixed(2);
    const line = `at minute ${at}: ${message} (meanwhile: ${[...this.#ongoing].join('; ') || 'nothing'})`;
    this.faults.push(line);
    if (this.faults.length <= SHOWN) this.#say(`FAULT ${line}`);
  }

  /** What was counted since this was last asked. */
  takeMinute(): ReadonlyMap<string, Tally> {
    const minute = this.#minute;
    this.#minute = new Map();
    return minute;
  }

  #count(load: string, add: (tally: Tally) => void): void {
    add(tallyIn(this.#minute, load));
    const whole = tallyIn(this.all, load);
    add(whole);
    // Kept by minute alone: of an hour they would be as large as what is measured.
    whole.latencies.length = 0;
  }
}

function tallyIn(tallies: Map<string, Tally>, load: string): Tally {
  const known = tallies.get(load);
  if (known !== undefined) return known;
  const tally = { done: 0, left: 0, excused: 0, faults: 0, bytes: 0, latencies: [] };
  tallies.set(load, tally);
  return tally;
}
