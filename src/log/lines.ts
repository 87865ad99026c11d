/** Every field of the log but `time`, `level` and `msg`, which all lines have. A name means the same on each line; docs/log.md says what. */
export interface Fields {
  /** The address and port that was reached; null if none was. */
  readonly address: string | null;
  /** Of a name: its addresses now. */
  readonly addresses: readonly string[];
  /** ADMIN_HOST and ADMIN_PORT; null where that is off. */
  readonly admin: { readonly host: string; readonly port: number } | null;
  /** Of a name: its addresses until now. */
  readonly before: readonly string[];
  /** Who made a blackout as it is: start, command, SIGUSR2, SIGHUP or timer. */
  readonly by: string;
  /** Its address and port; without the port where several of its connections are meant; `healthcheck` for its probes; `others` beyond the budget of all. */
  readonly client: string;
  /** What became of a client. */
  readonly decision: 'refused' | 'would refuse';
  /** How long what lives may take at a stop, in ms. */
  readonly drainTimeout: number;
  /** The addresses that are not dialled, and why. */
  readonly dropped: string;
  /**
   * How it ended; `reset`: by either end, where the kernel relays; `replaced`: a UDP session, by a newer one; `cut off`: by a stop or a blackout; `no longer in
   * TARGET`: by a changed list.
   */
  readonly ending:
    | 'finished'
    | 'client aborted'
    | 'target aborted'
    | 'reset'
    | 'idle'
    | 'replaced'
    | 'cut off'
    | 'no longer in TARGET';
  /** What is wrong, in words. */
  readonly err: unknown;
  /** How many self-checks have failed in a row. */
  readonly failures: number;
  /** Of a name that cannot be resolved: the addresses that are still used. */
  readonly kept: readonly string[];
  /** Of a name with too many addresses: how many are not used. */
  readonly leftOut: number;
  /** How many self-checks may fail in a row (EXIT_ON_UNHEALTHY). */
  readonly limit: number;
  /** How many lines were dropped. */
  readonly lines: number;
  /** How many connections or sessions are live. */
  readonly live: number;
  /** How many datagrams were lost since that was last said. */
  readonly lost: number;
  /** MODE. */
  readonly mode: string;
  /** How many more of the same there were. */
  readonly more: number;
  /** From the client's first sign to the end, in ms. */
  readonly ms: number;
  /** Of a refusal: the name that the client asked for, or null; of a line about DNS: the name that is resolved. */
  readonly name: string | null;
  /** NAME_CHECK, as it is in force. */
  readonly nameCheck: string;
  /** The listening port. */
  readonly port: number;
  /** `dns`: what the door's own DNS is asked. */
  readonly protocol: 'tcp' | 'udp' | 'dns';
  /** Of a refusal: why, in a sentence. */
  readonly reason: string;
  /** Bytes from the target. */
  readonly received: number;
  /** Which port leads where, such as `8080→app:80`. */
  readonly routes: readonly string[];
  /** Of a refusal: what the client fell foul of, in few words. */
  readonly rule: string;
  /** TARGET_SCOPE. */
  readonly scope: string;
  /** Bytes to the target. */
  readonly sent: number;
  /** What asked for a stop. */
  readonly signal: string;
  /** Since when a blackout is as it is (RFC 3339). */
  readonly since: string;
  /** The name and port that it was relayed to; null if none was chosen yet. */
  readonly target: string | null;
  /** The names of TARGET. */
  readonly targets: readonly string[];
  /** When a blackout ends by itself (RFC 3339); null: it does not. */
  readonly until: string | null;
  /** Of a name with too many addresses: how many are used. */
  readonly used: number;
  /** Of this program. */
  readonly version: string;
  /** How many clients wait for a slot. */
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

  "the kernel relays raw ports, otherwise than the relay does: connect time-outs are the client's, bytes are counted with headers, what is to end is reset with its next packet; see docs/fast-lane.md":
    [],
  'the kernel cannot be told what to take, and may go by what it was told last': ['err'],
  'the kernel can be told what to take again': [],
  'flows of the kernel cannot be ended; still trying': ['err'],
  'what the kernel takes is not logged, as it does not count': ['err'],

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

/**
 * What makes two warnings the same, beside the message and their source (a client, a name or a port). A line that folds several has these fields as they have
 * them, with its source and `more`, and its message says how many more there were, and in how many s.
 */
export const TELLING = [
  'port',
  'protocol',
  'target',
  'name',
  'rule',
  'reason',
  'decision',
  'err',
  'dropped',
] as const satisfies readonly Field[];

type Kind = keyof typeof LINES;
type MessageOf<K extends Kind> = K extends `…${infer Rest}` ? `${number}${Rest}` : K;

/** What a line's fields are, by its message; without those that are `Given` already. */
export type Lines<Given extends Field = never> = {
  readonly [K in Kind as MessageOf<K>]: Pick<Fields, Exclude<(typeof LINES)[K][number], Given>>;
};

export type Message = keyof Lines;

/** Fields of any line, of which only the names matter. */
export type SomeFields = Readonly<Partial<Record<Field, unknown>>>;
