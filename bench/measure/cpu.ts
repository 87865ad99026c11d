import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

import { processesOf } from './processes.ts';

const CLOCK_TICKS = 100; // a second, on Linux whatever the kernel's own
const PATIENCE = 20_000; // ms

/** Tells how much CPU time all processes of a peer have used, those that have ended included. */
export interface CpuMeter {
  /** The control group that its programs have to start in; null where none can be made. */
  readonly cgroup: string | null;
  /** User and system time of the process groups so far, in s. */
  readonly read: (groups: readonly number[]) => number;
  /** Once all processes have ended. */
  readonly close: () => void;
}

/**
 * A control group where this process may make one: it counts the time of every process that was ever in it. Else what /proc tells of the processes
 * that live, and of the children that they have waited for.
 */
export function openCpuMeter(name: string): CpuMeter {
  const cgroup = makeCgroup(name);
  if (cgroup === null) return { cgroup, read: readProcesses, close: () => {} };
  const read = () =>
    Number(/^usage_usec (\d+)/m.exec(readFileSync(join(cgroup, 'cpu.stat'), 'latin1'))?.[1]) / 1e6;
  read();
  return { cgroup, read, close: () => removeCgroup(cgroup) };
}

/** Version 2 of control groups accounts CPU time in every group, without a controller. */
function makeCgroup(name: string): string | null {
  const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/self/mounts', 'latin1'))?.[1];
  if (mount === undefined || process.getuid?.() !== 0) return null;
  try {
    const directory = join(mount, `sallyport-bench-${process.pid}-${name}`);
    mkdirSync(directory);
    return directory;
  } catch {
    return null; // mounted read-only, as in containers
  }
}

/** A group can be removed once its last process is gone, which takes the kernel a moment after a kill. */
function removeCgroup(directory: string): void {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    try {
      return rmdirSync(directory);
    } catch (cause) {
      if (performance.now() > deadline) throw new Error(`failed to remove ${directory}`, { cause });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** Fields 14 to 17 of proc(5)'s stat: of a process, and of its children that have ended. */
function readProcesses(groups: readonly number[]): number {
  const ticks = processesOf(groups).map(({ fields }) =>
    fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0),
  );
  return ticks.reduce((sum, each) => sum + each, 0) / CLOCK_TICKS;
}
