import { type Linked, LinkedList } from '../lib/linked-list.ts';

/** One that waits for its turn. */
export interface Waiter extends Linked<Waiter> {
  /** Its source address. */
  readonly source: string;
  readonly onTurn: () => void;
}

/** Those from one address, in the order of their arrival. */
interface Source extends Linked<Source> {
  readonly address: string;
  readonly waiters: LinkedList<Waiter>;
}

/** Those that wait for one thing: source addresses take turns, and of one address first come is first served. Everything takes constant time. */
export class WaitingLine {
  readonly #sources = new Map<string, Source>();
  /** In the order of their turns. */
  readonly #turns = new LinkedList<Source>();

  get isEmpty(): boolean {
    return this.#turns.first === null;
  }

  /** Adds one, as the last of its address. */
  join(waiter: Waiter): void {
    let source = this.#sources.get(waiter.source);
    if (source === undefined) {
      source = { address: waiter.source, waiters: new LinkedList(), previous: null, next: null };
      this.#sources.set(waiter.source, source);
      this.#turns.push(source);
    }
    source.waiters.push(waiter);
  }

  /** Takes off one that waits. */
  leave(waiter: Waiter): void {
    const source = this.#sources.get(waiter.source) as Source;
    source.waiters.delete(waiter);
    if (source.waiters.first !== null) return;
    this.#turns.delete(source);
    this.#sources.delete(source.address);
  }

  /** Takes off the one whose turn it is; null when nobody waits. */
  next(): Waiter | null {
    const source = this.#turns.first;
    const waiter = source?.waiters.first ?? null;
    if (source === null || waiter === null) return null;
    this.#turns.delete(source);
    this.#turns.push(source);
    this.leave(waiter);
    return waiter;
  }
}
