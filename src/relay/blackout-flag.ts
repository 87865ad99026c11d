/** Holds 1 during a blackout. */
export type BlackoutCell = Int32Array<SharedArrayBuffer>;

/** Why nobody is let in then. */
export const IN_BLACKOUT = { asked: null, rule: 'blackout', message: 'a blackout is on' } as const;

/** Whether anybody is let in: every listener asks it first, in each thread that shares the cell. */
export class BlackoutFlag {
  readonly cell: BlackoutCell;

  constructor(cell: BlackoutCell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))) {
    this.cell = cell;
  }

  get isOn(): boolean {
    return Atomics.load(this.cell, 0) === 1;
  }

  set isOn(isOn: boolean) {
    Atomics.store(this.cell, 0, isOn ? 1 : 0);
  }
}
