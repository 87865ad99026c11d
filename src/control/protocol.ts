import { isIPv4 } from 'node:net';

import type { LeftOut } from '../config/additions.ts';
import type { NameCheck } from '../config/name-check.ts';
import type { Mode } from '../config/variables.ts';
import type { NameStatus } from '../dns/sources.ts';
import type { AskedReport, Traffic } from './asked-names.ts';
import type { RecentError, Refusal } from './recent-errors.ts';

/** What the relay may be asked over its control socket, as one JSON object, up to the sender's FIN. Nothing at all asks for the status alone. */
export type Request = BlackoutRequest | NamesRequest;

/** To tell the names that were asked for as well. */
interface NamesRequest {
  readonly names: true;
}

/** To begin a blackout or to end it. */
export interface BlackoutRequest {
  readonly blackout: BlackoutState;
  /** It ends by itself after so long, a whole number of ms up to `MAX_TIMEOUT`; null: it does not. Goes with a blackout that begins. */
  readonly duration: number | null;
}

/** `draining`: nobody new is let in, and what lives goes on. */
export type BlackoutState = 'off' | 'on' | 'draining';

export interface BlackoutStatus {
  readonly state: BlackoutState;
  /** Who made it so. */
  readonly by: 'start' | 'command' | 'SIGUSR2' | 'SIGHUP' | 'timer';
  /** Times of RFC 3339. */
  readonly since: string;
  /** When it ends by itself; null: it does not. */
  readonly until: string | null;
}

/** What the relay answers to every request, as one JSON object. */
export interface Answer extends Status {
  /** What is wrong with the request, and what is accepted: nothing has changed then. */
  readonly error?: string;
  /** Where it is asked for. */
  readonly asked?: Asked;
}

/** The names that were asked for at this door. */
export interface Asked extends AskedReport {
  /** What would have to be added to TARGET for those to be let through that it leaves out: entries, separated by spaces. With them a relay would start. */
  readonly missing: string;
  /** What could not be added to it, as a relay would not start then. */
  readonly leftOut: readonly LeftOut[];
}

/** What the page for browsers reads: the status, and the names that were asked for. */
export interface StatusPage extends Status {
  readonly asked: Asked;
}

/** What is known of a name, and what is relayed to it. */
interface NameInUse extends NameStatus, Traffic {
  /** The door's own addresses that lead there, where NAME_ADDRESSES gives names such. */
  readonly ownAddresses: readonly string[];
}

/** What the relay says of itself. */
export interface Status {
  readonly version: string;
  readonly mode: Mode;
  readonly nameCheck: NameCheck | 'learn';
  readonly targets: readonly string[];
  /** What is in force of TARGET_FILE; null where TARGET lists the names. */
  readonly targetFile: TargetFileStatus | null;
  /** What the door's own DNS was asked, by what it made of the names; null where it is off. */
  readonly dns: {
    readonly port: number;
    readonly questions: Readonly<Record<'allowed' | 'above' | 'unknown', number>>;
    /** The last refusals, as those of ports. */
    readonly errors: readonly RecentError[];
  } | null;
  /** How many lanes the kernel has (null: it is not known), and why it cannot be told what to take; null where it is to take nothing. */
  readonly fastLane: { readonly lanes: number | null; readonly trouble: string | null } | null;
  /** Since the relay started, in s. */
  readonly uptime: number;
  readonly blackout: BlackoutStatus;
  /** Whether it is stopping: nothing new is accepted. */
  readonly draining: boolean;
  /** Log lines left out since the start: beyond the budget of their source or of all, and while standard output could not be written. */
  readonly linesDropped: { readonly budget: number; readonly output: number };
  /** Whether names are resolved beforehand and their addresses kept; if not, they are asked for at each connection. */
  readonly preResolve: boolean;
  /** Listed targets that lead to this relay itself, a sentence each. */
  readonly loops: readonly string[];
  /** What is known of the targets' names, and of those that wildcards stand for. */
  readonly names: readonly NameInUse[];
  readonly ports: readonly PortStatus[];
  /** Clients of all ports that were not let through, or would not be: 20 at most, the newest last. */
  readonly refusals: readonly Refusal[];
}

interface TargetFileStatus {
  readonly path: string;
  /** The list in force, as TARGET would say it, and since when (RFC 3339). */
  readonly text: string;
  readonly since: string;
  /** Why what the file says now cannot be used; null when it is in force. */
  readonly problem: string | null;
}

interface PortStatus {
  readonly protocol: 'tcp' | 'udp';
  /** The listening port. */
  readonly port: number;
  readonly live: number;
  readonly waiting: number;
  /** How many may be live; null for any number. */
  readonly limit: number | null;
  /** Connections or sessions since the start, the healthcheck's probes among them. */
  readonly opened: number;
  /** Clients that were not let through, in all and by the reason. */
  readonly refused: number;
  readonly refusedBy: Readonly<Record<string, number>>;
  /** Those that ended though the target, which had been sent something, had not said a byte; and UDP sessions whose client went on sending unanswered. */
  readonly unanswered: number;
  /** Bytes to and from the target. */
  readonly sent: number;
  readonly received: number;
  /** Datagrams that came faster than they could be relayed; UDP only. */
  readonly lost: number;
  /** Why the target could not be reached when it was last tried, or does not answer over UDP; null when it could, or does. */
  readonly lastFailure: string | null;
  /** The newest last. */
  readonly errors: readonly RecentError[];
}

/** Where the healthcheck's probes come from: all of 127/8 is local on Linux, and no packet from outside may claim it (RFC 1122 §3.2.1.3). */
export const PROBE_SOURCE = '127.83.80.1';

/**
 * Where the healthcheck's probes go, of the addresses that the relay listens on (null: all). An IPv4 one, as they come from an IPv4 source that
 * Linux lets reach every address of its own host; without one, the relay listens at the probes' source too.
 */
export function probeAddress(bind: readonly string[] | null): string {
  const address = bind === null ? '127.0.0.1' : (bind.find((each) => isIPv4(each)) ?? PROBE_SOURCE);
  return address === '0.0.0.0' ? '127.0.0.1' : address;
}
