import { type AskedName, askedText, type Outcome } from '../control/asked-names.ts';
import type { Asked } from '../control/protocol.ts';
import { listSome } from '../lib/list-some.ts';
import { describeBytes } from './describe-bytes.ts';
import { type Columns, table } from './table.ts';

const COLUMNS: Columns<AskedName> = {
  NAME: askedText,
  PORT: ({ port, protocol }) => (protocol === 'tcp' ? port : `${port}/${protocol}`),
  TIMES: ({ times }) => times,
  FIRST: ({ first }) => describeTime(first),
  LAST: ({ last }) => describeTime(last),
  SENT: ({ sent }) => describeBytes(sent),
  RECEIVED: ({ received }) => describeBytes(received),
  OUTCOME: ({ outcomes }) => describeOutcomes(outcomes),
};

/** The names that were asked for, for people, in lines. */
export function describeNames({ names, others }: Pick<Asked, 'names' | 'others'>): readonly string[] {
  if (names.length === 0) return ['no name has been asked for yet'];
  const beyond = `and others, ${others.times} times: ${describeOutcomes(others.outcomes)}`;
  return [...table(COLUMNS, names), ...(others.times > 0 ? [beyond] : [])];
}

/** Why entries cannot be added to TARGET, a line for each reason. */
export function describeLeftOut(leftOut: Asked['leftOut']): readonly string[] {
  return leftOut.map(
    ({ entries, problem }) => `${listSome(entries, ' ')} cannot be added to TARGET: ${problem}`,
  );
}

/** `allowed`, or `allowed 3 times, refused 2 times: not in TARGET`. */
function describeOutcomes(outcomes: readonly Outcome[]): string {
  return outcomes
    .map(({ decision, rule, times }) => {
      const count = outcomes.length === 1 ? '' : ` ${times} times`;
      return `${decision}${count}${rule === null ? '' : `: ${rule}`}`;
    })
    .join(', ');
}

/** To the second. */
function describeTime(time: string | null): string | null {
  return time?.replace(/\.\d+Z$/, 'Z') ?? null;
}
