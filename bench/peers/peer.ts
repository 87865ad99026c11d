import type { Memory } from '../measure/memory.ts';

/**
 * What clients speak. In 'http' and 'tls' they name the server; 'tcp' and 'udp' are bytes that no peer reads; so is 'address', and there clients dial
 * the address that the server's name has at the peer; 'dns' is asked of the peer itself, over UDP.
 */
export type Protocol = 'tcp' | 'udp' | 'http' | 'tls' | 'address' | 'dns';

/** Where a peer listens and what it relays to. */
export interface Route {
  readonly transport: 'tcp' | 'udp';
  /** Where clients reach it. */
  readonly address: string;
  readonly listen: number;
  readonly host: string;
  readonly port: number;
  /** How many connections it must be able to hold at once. */
  readonly connections: number;
  /** The addresses that names may have at the peer, as CIDR, where it has a network of its own. */
  readonly range?: string;
  /** The server's name, where clients know it. */
  readonly name?: ServerName | null;
  /** As a nameserver: the names that it answers for, each with its own address. */
  readonly zone?: readonly string[];
}

/** A name, and the nameserver, as address and port, that knows it. */
interface ServerName {
  readonly name: string;
  readonly nameserver: string;
}

/** A program to start. */
interface Command {
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

/** A relay, or what stands where one could. */
export interface Peer {
  readonly name: string;
  /** What it runs as, in words. */
  readonly description: string;
  /** Its version; null where it is not installed. */
  readonly version: string | null;
  /** Debian's packages that it needs; empty where none are. */
  readonly packages: readonly string[];
  /** It takes part in the loads whose clients speak these. */
  readonly protocols: readonly Protocol[];
  /** Whether it changes what the network around it does, and so has one of its own. */
  readonly hasOwnNetwork?: boolean;
  /** How a route is relayed; null where the client reaches the server without it. A directory is there for files. */
  readonly start: ((route: Route, directory: string) => Command) | null;
}

/** What is to be relayed: a port of the server; or, in 'dns', the port at which the peer is asked. */
export interface Service {
  readonly port: number;
  /** With 'tcp' and 'udp', two relays on the same port number. */
  readonly protocols: readonly Protocol[];
  readonly connections: number;
  readonly name?: ServerName;
  readonly zone?: readonly string[];
}

/** A peer that relays a service. */
export interface Started {
  readonly peer: Peer;
  /** What the client connects to. */
  readonly address: string;
  readonly port: number;
  /** From its start until it listened, in ms; null where there is nothing to start. */
  readonly startup: number | null;
  /** CPU time that all its processes have used so far, in s; null where there are none. */
  readonly cpu: () => number | null;
  /** Memory of all its processes; null where there are none. */
  readonly memory: () => Memory | null;
  readonly stop: () => Promise<void>;
}

export function transportOf(protocol: Protocol): Route['transport'] {
  return protocol === 'udp' || protocol === 'dns' ? 'udp' : 'tcp';
}

/** Whether a peer takes part only in loads whose clients know the server's name. */
export function isNamed({ protocols }: Peer): boolean {
  return protocols.every((protocol) => ['http', 'tls', 'address'].includes(protocol));
}
