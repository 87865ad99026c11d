/** Holds 1 while the gate is shut. */
export type GateCell = Int32Array<SharedArrayBuffer>;

/** Why nobody is let in then. */
export const SHUT = { asked: null, rule: 'blackout', message: 'a blackout is on' } as const;

/** Whether anybody is let in: every listener asks it first, in each thread that shares the cell. */
export class Gate {
  readonly cell: GateCell;

  constructor(cell: GateCell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))) {
    this.cell = cell;
  }

  get isShut(): boolean {
    return Atomics.load(this.cell, 0) === 1;
  }

  set isShut(isShut: boolean) {
    Atomics.store(this.cell, 0, isShut ? 1 : 0);
  }
}
