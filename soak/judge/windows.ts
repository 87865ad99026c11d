/** What a fault may cause: operations that fail; or, of names that cannot be asked for, old addresses alone. */
export type Excuse = 'failure' | 'staleness';

/** A time in which a fault excuses what happens at doors. Times are those of performance.now(). */
interface Window {
  readonly fault: string;
  readonly doors: readonly string[];
  readonly excuse: Excuse;
  readonly from: number;
  /** Infinity while it lasts. */
  to: number;
}

/** All windows of a run. */
export class Windows {
  readonly #windows: Window[] = [];

  /** Opens one now; whoever calls what is returned closes it, and it stays open for so many ms more. */
  open({ grace, ...rest }: Omit<Window, 'from' | 'to'> & { readonly grace: number }): () => void {
    const window = { ...rest, from: performance.now(), to: Infinity };
    this.#windows.push(window);
    return () => (window.to = performance.now() + grace);
  }

  /** The fault that excuses what began and ended at these times at a door; null where none does. A failure excuses staleness as well. */
  excuseFor(
    door: string,
    { from, to, what = 'failure' }: { readonly from: number; readonly to: number; readonly what?: Excuse },
  ): string | null {
    const found = this.#windows.findLast(
      (window) =>
        window.doors.includes(door) &&
        window.from <= to &&
        window.to >= from &&
        (window.excuse === what || window.excuse === 'failure'),
    );
    return found?.fault ?? null;
  }
}
