import { parseEndpoint } from '../lib/parse-endpoint.ts';
import type { Standing } from '../lib/standing.ts';
import { visible } from '../lib/visible.ts';
import type { SomeFields } from '../log/lines.ts';
import { listenIn } from '../log/listen-in.ts';
import type { Log } from '../log/log.ts';
import { endpoint } from '../relay/endpoint.ts';
import type { RefusalRule } from '../relay/log-refusal.ts';
import { type AskedAt, sumNameCounts } from '../relay/name-counters.ts';
import { type Counted, keyOf, MAX_NAMES } from '../relay/name-table.ts';

/** What becomes of a name that is asked for. */
const DECISIONS = ['allowed', 'learned', 'refused', 'would refuse'] as const;
type Decision = (typeof DECISIONS)[number];

/** What became of a name, and how often. */
export interface Outcome {
  readonly decision: Decision;
  /** What it fell foul of; null where it is let through. */
  readonly rule: string | null;
  readonly times: number;
}

/** What there is to tell of a name at a port, or of several. */
export interface Account {
  /** How often it was asked for. */
  readonly times: number;
  /** When for the first and the last time (RFC 3339); null for never. */
  readonly first: string | null;
  readonly last: string | null;
  /** To its target: connections or sessions, and bytes each way. */
  readonly connections: number;
  readonly sent: number;
  readonly received: number;
  readonly outcomes: readonly Outcome[];
}

/** A name that was asked for. */
export interface AskedName extends Account {
  readonly name: string;
  /** The port that was asked for together with it, as of a forward proxy; null: the one that is listened on. */
  readonly to: number | null;
  /** The port that is listened on. */
  readonly port: number;
  readonly protocol: AskedAt['protocol'];
}

/** All names that were asked for, by name and port; and what is told of the rest of them, for which there was no room. */
export interface AskedReport {
  readonly names: readonly AskedName[];
  readonly others: Account;
}

/** Rules that another TARGET lifts. */
const LIFTED_BY_TARGET: readonly string[] = ['not in TARGET', 'not in PORT'] satisfies readonly RefusalRule[];

/** Whoever has a place gives it to a name of a higher rank. */
const REFUSED = 0;
const NAMED = 1;
const RELAYED = 2;
const LISTED = 3;

interface Entry {
  readonly at: AskedAt;
  rank: number;
  readonly ledger: Ledger;
}

/** What was counted of one name. */
class Ledger {
  /** Of all threads. */
  readonly #counted: Omit<Counted, 'of'>[] = [];
  /** Beside what threads count: by decision and rule. */
  readonly #outcomes = new Map<string, { -readonly [K in keyof Outcome]: Outcome[K] }>();
  #first = Infinity;
  #last = 0;

  count(counted: Omit<Counted, 'of'>): void {
    this.#counted.push(counted);
  }

  note({ decision, rule, times }: Outcome, now = Date.now()): void {
    const key = rule === null ? decision : `${decision}: ${rule}`;
    const same = this.#outcomes.get(key);
    if (same === undefined) this.#outcomes.set(key, { decision, rule, times });
    else same.times += times;
    this.#first = Math.min(this.#first, now);
    this.#last = Math.max(this.#last, now);
  }

  /** Takes over what another has counted, and what its threads count from now on. */
  absorb(other: Ledger): void {
    this.#counted.push(...other.#counted);
    for (const outcome of other.#outcomes.values()) this.note(outcome, other.#last);
    this.#first = Math.min(this.#first, other.#first);
  }

  account(): Account {
    const { connections, sent, received, first, last } = sumNameCounts(
      this.#counted.map(({ cells }) => cells),
    );
    const refused = [...this.#outcomes.values()].filter(({ rule }) => rule !== null);
    const outcomes = [this.#passed('allowed'), this.#passed('learned'), ...refused].filter(
      ({ times }) => times > 0,
    );
    return {
      times: outcomes.reduce((sum, { times }) => sum + times, 0),
      first: timeText(Math.min(this.#first, first || Infinity)),
      last: timeText(Math.max(this.#last, last) || Infinity),
      connections,
      sent,
      received,
      outcomes,
    };
  }

  /** What was let through, whether threads count it or not. */
  #passed(decision: 'allowed' | 'learned'): Outcome {
    const cells = this.#counted.filter((each) => decisionOn(each.standing) === decision);
    const { connections } = sumNameCounts(cells.map((each) => each.cells));
    return { decision, rule: null, times: connections + (this.#outcomes.get(decision)?.times ?? 0) };
  }
}

/**
 * Every name that was asked for at this door, and what became of it. What is let through, threads count (see NameTable); what is refused is heard from the log.
 *
 * Most names are for clients to choose, so there are 1,000 at most, and the rest are counted together. That a
 * flood of made-up names may not hide what is allowed, a listed name always finds room, in the place of one
 * that is not; a name that is relayed to, in the place of one that is not; and refused ones come last.
 */
export class AskedNames {
  /** To be logged through: refusals are counted. */
  readonly log: Log;
  readonly #entries = new Map<string, Entry>();
  readonly #rest = new Ledger();

  constructor(log: Log) {
    this.log = listenIn(log, (fields, _message, times) => this.#note(fields, times));
  }

  /** Takes note of what a thread counts from now on. */
  count({ of, ...counted }: Counted): void {
    const ledger =
      of === null ? this.#rest : this.#ledgerOf(of, counted.standing === 'listed' ? LISTED : RELAYED);
    ledger.count(counted);
  }

  /** Takes note of a DNS question about a name that is allowed. Those that are refused are heard from the log. */
  noteQuestion(at: AskedAt, standing: Standing): void {
    const ledger = this.#ledgerOf(at, standing === 'listed' ? LISTED : NAMED);
    ledger.note({ decision: decisionOn(standing), rule: null, times: 1 });
  }

  report(): AskedReport {
    return {
      names: [...this.#entries.values()]
        .map(({ at: { asked, port, protocol }, ledger }) => {
          const { host, port: to } = parseEndpoint(asked);
          return { name: host, to, port, protocol, ...ledger.account() };
        })
        .toSorted(
          (one, other) =>
            compare(one.name, other.name) || one.port - other.port || (one.to ?? 0) - (other.to ?? 0),
        ),
      others: this.#rest.account(),
    };
  }

  #note({ port, protocol, name, rule, decision }: SomeFields, times: number): void {
    if (typeof port !== 'number' || !isProtocol(protocol)) return;
    if (typeof name !== 'string' || typeof rule !== 'string' || !isDecision(decision)) return;
    this.#ledgerOf({ asked: name, port, protocol }, REFUSED).note({ decision, rule, times });
  }

  #ledgerOf({ asked, ...where }: AskedAt, rank: number): Ledger {
    // In whatever case it is asked for; and as it is shown, so that no two look alike.
    const at = { asked: visible(plain(asked)), ...where };
    const key = keyOf(at);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.rank = Math.max(known.rank, rank);
      return known.ledger;
    }
    if (this.#entries.size >= MAX_NAMES && !this.#makeRoom(rank)) return this.#rest;
    const entry = { at, rank, ledger: new Ledger() };
    this.#entries.set(key, entry);
    return entry.ledger;
  }

  /** Counts a name of a lower rank among the rest from now on; whether there was one. */
  #makeRoom(rank: number): boolean {
    for (let lower = REFUSED; lower < rank; lower++) {
      for (const [key, entry] of this.#entries) {
        if (entry.rank !== lower) continue;
        this.#rest.absorb(entry.ledger);
        this.#entries.delete(key);
        return true;
      }
    }
    return false;
  }
}

/** What is relayed to a name: connections or sessions, and bytes each way; and what is not. */
export interface Traffic extends Pick<Account, 'connections' | 'sent' | 'received'> {
  /** How often it was asked for and not let through, by DNS too. */
  readonly refused: number;
}

const NO_TRAFFIC: Traffic = { connections: 0, sent: 0, received: 0, refused: 0 };

/** What is relayed to each name, on whichever port; of a name as it is listed. */
export function trafficByName({ names }: AskedReport): (listed: string) => Traffic {
  const traffic = new Map<string, Traffic>();
  for (const { name, connections, sent, received, outcomes } of names) {
    const before = traffic.get(name) ?? NO_TRAFFIC;
    traffic.set(name, {
      connections: connections + before.connections,
      sent: sent + before.sent,
      received: received + before.received,
      refused: before.refused + refusalsOf(outcomes),
    });
  }
  return (listed) => traffic.get(plain(listed)) ?? NO_TRAFFIC;
}

function refusalsOf(outcomes: readonly Outcome[]): number {
  return outcomes.filter(({ decision }) => decision === 'refused').reduce((sum, { times }) => sum + times, 0);
}

/** The name, with the port that was asked for together with it. */
export function askedText({ name, to }: Pick<AskedName, 'name' | 'to'>): string {
  return to === null ? name : endpoint(name, to);
}

/**
 * Whether a name was relayed to in order to be learned, or was refused, or would be, as TARGET does not list it. One that was learned by DNS alone is not to be
 * listed: nobody knows for which port.
 */
export function isToBeListed({ protocol, outcomes }: AskedName): boolean {
  return outcomes.some(
    ({ decision, rule }) =>
      (decision === 'learned' && protocol !== 'dns') || (rule !== null && LIFTED_BY_TARGET.includes(rule)),
  );
}

function decisionOn(standing: Standing): 'allowed' | 'learned' {
  return standing === 'learned' ? 'learned' : 'allowed';
}

function isDecision(value: unknown): value is Decision {
  return DECISIONS.some((decision) => decision === value);
}

function isProtocol(value: unknown): value is AskedAt['protocol'] {
  return value === 'tcp' || value === 'udp' || value === 'dns';
}

/** In lower case and without the root's dot (RFC 4343). */
function plain(asked: string): string {
  return asked.toLowerCase().replace(/\.(?=(:\d+)?$)/, '');
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

function timeText(time: number): string | null {
  return time === Infinity ? null : new Date(time).toISOString();
}
