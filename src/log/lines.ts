/** Every field of the log but `time`, `level` and `msg`, which all lines have. A name means the same on each line; docs/log.md says what. */
export interface Fields {
  readonly address: string | null;
  readonly addresses: readonly string[];
  readonly admin: object | null;
  readonly before: readonly string[];
  readonly by: string;
  readonly client: string;
  readonly decision: string;
  readonly drainTimeout: number;
  readonly dropped: string;
  readonly ending: string;
  readonly err: unknown;
  readonly failures: number;
  readonly kept: readonly string[];
  readonly leftOut: number;
  readonly limit: number;
  readonly lines: number;
  readonly live: number;
  readonly lost: number;
  readonly mode: string;
  readonly more: number;
  readonly ms: number;
  readonly name: string | null;
  readonly nameCheck: string;
  readonly port: number;
  readonly protocol: string;
  readonly reason: string;
  readonly received: number;
  readonly routes: readonly string[];
  readonly rule: string;
  readonly scope: string;
  readonly sent: number;
  readonly signal: string;
  readonly since: string;
  readonly target: string | null;
  readonly targets: readonly string[];
  readonly until: string | null;
  readonly used: number;
  readonly version: string;
  readonly waiting: number;
}

export type Field = keyof Fields;

const ENDED = [
  'port',
  'protocol',
  'client',
  'target',
  'address',
  'sent',
  'received',
  'ms',
  'ending',
] as const;
const FAILED = ['port', 'protocol', 'client', 'target', 'address', 'sent', 'received', 'ms', 'err'] as const;
const REFUSED = ['port', 'protocol', 'client', 'name', 'rule', 'reason', 'decision'] as const;
const RESOLVED = ['name', 'addresses', 'before'] as const;
const BLACKOUT = ['by', 'since', 'until'] as const;
const GAP = ['lines', 'err'] as const;

/**
 * The fields of each kind of line, by its message, in which `…` stands for a number. A line that folds several has some of them, and `more`.
 *
 * @internal The program needs the types alone; tests compare this with real lines and docs/log.md.
 */
export const LINES = {
  listening: ['version', 'mode', 'targets', 'nameCheck', 'routes', 'admin'],
  'TARGET_FILE is read: its list is in force': ['targets', 'nameCheck', 'routes'],
  'TARGET_FILE cannot be used: the list in force stays': ['err'],
  stopping: ['signal', 'live', 'drainTimeout'],
  failed: ['err'],
  'self-check failed': ['err', 'failures', 'limit'],
  'the control socket is off: the healthcheck cannot ask this relay, only watch its ports': ['err'],
  'the run directory has no lock: relays that start at the same moment may share it': ['err'],
  'C cannot be called: datagrams are relayed one by one, which is slower': ['err'],
  'C cannot be called: sockets are streams, which are slower': ['port', 'protocol', 'err'],
  'a target leads to this relay itself': ['err'],

  'blackout on': BLACKOUT,
  'blackout draining': BLACKOUT,
  'blackout off': BLACKOUT,

  'connection ended': ENDED,
  'connection failed': FAILED,
  'session ended': ENDED,
  'session failed': FAILED,
  'target unreachable': FAILED,
  'no answer from the target': FAILED,
  'no answer: the session goes on with another address': [
    'port',
    'protocol',
    'client',
    'target',
    'address',
    'err',
  ],
  refused: REFUSED,
  'would refuse': REFUSED,

  'all slots are taken: clients wait': ['port', 'protocol', 'live', 'waiting'],
  'all slots are taken: new clients replace those that were never answered, or have been idle longest': [
    'port',
    'protocol',
    'live',
  ],
  'datagrams lost: they come faster than they can be relayed': ['port', 'protocol', 'lost'],
  'no more clients can be accepted for now: they wait': ['port', 'protocol', 'err'],

  'name resolved': RESOLVED,
  'the name can be resolved again': RESOLVED,
  'the name cannot be resolved; still trying': ['name', 'err', 'kept'],
  'more addresses than are used': ['name', 'used', 'leftOut'],
  'answers out of TARGET_SCOPE dropped': ['name', 'dropped', 'scope'],

  '… lines dropped: standard output could not be written': GAP,
  '… lines dropped: the main thread was too busy to take them': ['lines'],
} as const satisfies Readonly<Record<string, readonly Field[]>>;

type Kind = keyof typeof LINES;
type MessageOf<K extends Kind> = K extends `…${infer Rest}` ? `${number}${Rest}` : K;

/** What a line's fields are, by its message; without those that are `Given` already. */
export type Lines<Given extends Field = never> = {
  readonly [K in Kind as MessageOf<K>]: Pick<Fields, Exclude<(typeof LINES)[K][number], Given>>;
};

export type Message = keyof Lines;

/** Fields of any line, of which only the names matter. */
export type SomeFields = Readonly<Partial<Record<Field, unknown>>>;
