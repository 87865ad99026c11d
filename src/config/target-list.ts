import { readFileSync } from 'node:fs';

import { messageOf } from '../lib/message-of.ts';
import { parseTargets, type TargetEntry } from './targets.ts';
import { type Values, variables } from './variables.ts';

/** The list of names that may be reached. */
interface TargetList {
  /** Undefined where it cannot be read. */
  readonly entries: readonly TargetEntry[] | undefined;
  /** Of TARGET_FILE: the list as TARGET would say it; null where TARGET says it. */
  readonly text: string | null;
  readonly problems: readonly string[];
}

const { accepted } = variables.TARGET;

/** Reads TARGET, or the file that TARGET_FILE names: entries of TARGET in lines, with comments behind `#`. */
export function readTargetList({
  TARGET: entries,
  TARGET_FILE: file,
  NAME_CHECK: nameCheck,
}: Partial<Values>): TargetList {
  if (typeof file !== 'string') {
    if (entries === null && file === null && nameCheck === 'learn')
      return { entries: [], text: null, problems: [] };
    const isMissing = entries === null && file === null;
    return {
      entries: entries ?? undefined,
      text: null,
      problems: isMissing ? [`TARGET is not set; it takes ${accepted}`] : [],
    };
  }
  if (entries !== null && entries !== undefined)
    return failed(`TARGET_FILE="${file}": TARGET is set too, and one of them alone can say the list`);
  try {
    return parseList(readFileSync(file, 'utf8'), file);
  } catch (cause) {
    return failed(`TARGET_FILE="${file}": the file cannot be read: ${messageOf(cause)}`);
  }
}

function parseList(content: string, file: string): TargetList {
  const entries: TargetEntry[] = [];
  const problems: string[] = [];
  const lines = content.split('\n').map((line) => line.replace(/#.*/, '').trim());
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    try {
      entries.push(...parseTargets(line));
    } catch (cause) {
      problems.push(
        `TARGET_FILE="${file}": line ${index + 1}, ${JSON.stringify(line)}: ${messageOf(cause)}; it takes ${accepted}`,
      );
    }
  }
  if (entries.length === 0 && problems.length === 0)
    return failed(`TARGET_FILE="${file}": the file lists no name; it takes ${accepted}`);
  return {
    entries: problems.length === 0 ? entries : undefined,
    text: lines.filter(Boolean).join(' '),
    problems,
  };
}

function failed(problem: string): TargetList {
  return { entries: undefined, text: null, problems: [problem] };
}
