// What a test and the programs in its networks tell each other.

/** Of the targets: of the echo over TCP and over UDP, and of HTTP. */
export const PORT = 7_000;
export const HTTP_PORT = 8_080;

/** How a target behaves from now on; `reset live` is done once; `refusing`, it goes on with what lives. */
export type TargetBehaviour =
  | 'echo'
  | 'mute'
  | 'not reading'
  | 'one byte a second'
  | 'half-closing'
  | 'reset on accept'
  | 'reset live'
  | 'refusing';

/** How a client's stream behaves from now on; `reset live` is done once. */
export type ClientBehaviour =
  | 'talking'
  | 'mute'
  | 'not reading'
  | 'one byte a second'
  | 'half-closing'
  | 'reset live';

/** Where a client calls. */
export interface Way {
  /** The door's address. */
  readonly address: string;
  /** The door's port for the echo, over TCP and over UDP. */
  readonly port: number;
  /** And for HTTP. */
  readonly webPort: number;
  /** The name that is asked for over HTTP. */
  readonly name: string;
}

export type ToClient =
  | { readonly call: Way }
  | { readonly behave: ClientBehaviour }
  | { readonly stop: true };

/** What has become of calls: each is a connection, or a socket of UDP, of its own. */
export interface Calls {
  done: number;
  /** Answered with other bytes than were sent. */
  wrong: number;
  /** Ended as if complete before the answer was. */
  short: number;
  /** By code. */
  failed: Record<string, number>;
}

/** What a client has seen since it began to call. */
export interface Seen {
  /** A stream of bytes without end; a new one follows the end of one. */
  readonly stream: { echoed: number; wrong: number; endings: string[] };
  /** Datagrams of one socket. */
  readonly datagrams: { sent: number; answered: number; wrong: number };
  readonly calls: Calls;
  readonly udpCalls: Calls;
  readonly webCalls: Calls;
  /** Calls over TCP that are under way. */
  pending: number;
  /** How often each target, by its address, has answered over HTTP. */
  readonly servers: Record<string, number>;
}

/** How a nameserver answers from now on: a key of its table. */
export interface Answers {
  readonly by: string;
  /** The addresses of each name. */
  readonly names: Readonly<Record<string, readonly string[]>>;
}
