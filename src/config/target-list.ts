import { readFileSync, statSync } from 'node:fs';

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
/** What is longer, in bytes, is no list of names. */
const MAX_SIZE = 1024 * 1024;
/** How much is shown of what is wrong, in characters. */
const SHOWN = 200;

/** Reads TARGET, or the file that TARGET_FILE names: entries of TARGET in lines, with comments behind `#`. */
export function readTargetList({
  TARGET: entries,
  TARGET_FILE: file,
  NAME_CHECK: nameCheck,
}: Partial<Values>): TargetList {
  if (typeof file !== 'string') {
    if (entries !== null || file !== null) return { entries: entries ?? undefined, text: null, problems: [] };
    return nameCheck === 'learn'
      ? { entries: [], text: null, problems: [] }
      : failed(`TARGET is not set; it takes ${accepted}`);
  }
  if (entries !== null && entries !== undefined)
    return failed(`TARGET_FILE="${file}": TARGET is set too, and one of them alone can say the list`);
  try {
    const list = parseList(readWhole(file), file);
    // Who learns names may have none yet.
    return list.entries?.length === 0 && nameCheck !== 'learn'
      ? failed(`TARGET_FILE="${file}": the file lists no name; it takes ${accepted}`)
      : list;
  } catch (cause) {
    return failed(`TARGET_FILE="${file}": the file cannot be read: ${messageOf(cause)}`);
  }
}

/** A pipe or a device might never end. */
function readWhole(file: string): string {
  const about = statSync(file);
  if (!about.isFile()) throw new Error('it is no regular file');
  if (about.size > MAX_SIZE) throw new Error(`it is longer than ${MAX_SIZE} bytes`);
  return readFileSync(file, 'utf8');
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
        `TARGET_FILE="${file}": line ${index + 1}, ${JSON.stringify(shorten(line))}: ${shorten(messageOf(cause))}; it takes ${accepted}`,
      );
    }
  }
  return {
    entries: problems.length === 0 ? entries : undefined,
    text: lines.filter(Boolean).join(' '),
    problems,
  };
}

function shorten(text: string): string {
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`;
}

function failed(problem: string): TargetList {
  return { entries: undefined, text: null, problems: [problem] };
}
