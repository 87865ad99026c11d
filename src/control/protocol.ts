import type { NameStatus } from '../dns/sources.ts';

/** What the relay says of itself: one JSON object, sent to whoever connects to the control socket. */
export interface Status {
  readonly version: string;
  readonly mode: 'tcp' | 'udp' | 'http-proxy';
  readonly targets: readonly string[];
  /** Since the relay started, in s. */
  readonly uptime: number;
  /** What is known of the targets' names, and of those that wildcards stand for. */
  readonly names: readonly NameStatus[];
  readonly ports: readonly PortStatus[];
}

interface PortStatus {
  /** The listening port. */
  readonly port: number;
  readonly live: number;
  readonly waiting: number;
  /** Why the target could not be reached when it was last tried; null when it could. */
  readonly lastFailure: string | null;
}

/** Where the healthcheck's probes come from: all of 127/8 is local on Linux, and no packet from outside may claim it (RFC 1122 §3.2.1.3). */
export const PROBE_SOURCE = '127.83.80.1';
