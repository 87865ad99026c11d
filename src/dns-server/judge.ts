import type { Log } from '../log/log.ts';
import type { Counters } from '../relay/counters.ts';
import { logRefusal } from '../relay/log-refusal.ts';
import type { Knowledge, Verdict } from './answer.ts';

/** What the door makes of names. It is asked once for each question, so that its rules may change meanwhile. */
export interface Names {
  /** Of a name in lower case, as zone files write it (RFC 1035 §5.1), without the root's dot: the root is ''. */
  readonly judge: (name: string) => Verdict;
}

/** What it takes to judge and to tell. */
export interface Judging {
  readonly names: Names;
  readonly counters: Counters;
  readonly log: Pick<Log<'port'>, 'warn'>;
}

const RULE = 'not in TARGET';

/** Judges the questions of clients, and logs and counts whom it refuses; `client` is asked for the one whose question it is, `10.0.0.2:40312`. */
export function createJudge({ names, counters, log }: Judging, client: () => string): Knowledge['judge'] {
  return (name) => {
    const verdict = names.judge(name);
    if (verdict === 'unknown') {
      counters.refused(RULE);
      logRefusal(log, client(), { rule: RULE, asked: name, message: `${name} is not in TARGET` });
    }
    return verdict;
  };
}
