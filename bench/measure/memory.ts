import { readFileSync } from 'node:fs';

import { processesOf } from './processes.ts';

/** Memory of all processes of these process groups, in bytes: what several share is divided among those that share it (PSS). */
export function readMemory(groups: readonly number[]): number {
  return processesOf(groups).reduce((sum, { pid }) => sum + proportionalSet(pid), 0);
}

function proportionalSet(pid: number): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1024;
  } catch {
    return 0; // it has ended since
  }
}
