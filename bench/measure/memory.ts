import { readFileSync } from 'node:fs';

import { processesOf } from './processes.ts';

/** In bytes: what several processes share is divided among those that share it (PSS). */
export interface Memory {
  readonly all: number;
  /** What no file stands behind, so that it can neither be shared with other programs nor be dropped. */
  readonly anonymous: number;
}

/** Memory of all processes of these process groups. */
export function readMemory(groups: readonly number[]): Memory {
  let [all, anonymous] = [0, 0];
  for (const { pid } of processesOf(groups)) {
    const rollup = readRollup(pid);
    all += bytesOf('Pss', rollup);
    anonymous += bytesOf('Pss_Anon', rollup);
  }
  return { all, anonymous };
}

function readRollup(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  } catch {
    return ''; // it has ended since
  }
}

function bytesOf(field: string, rollup: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1] ?? 0) * 1024;
}
