import { readdirSync, readFileSync } from 'node:fs';

interface Process {
  readonly pid: number;
  /** Those of proc(5)'s stat, from the third on. */
  readonly fields: readonly string[];
}

/** The processes that belong to these process groups. */
export function processesOf(groups: readonly number[]): readonly Process[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // The second field, the program's name, may hold spaces and brackets.
      const fields = readFileSync(`/proc/${name}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ');
      return groups.includes(Number(fields[2])) ? [{ pid: Number(name), fields }] : [];
    } catch {
      return []; // it has ended since
    }
  });
}
