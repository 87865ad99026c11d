import type { EventEmitter } from 'node:events';
import type { AddressInfo, Server } from 'node:net';

import { onTestFinished } from 'vitest';

import { PROBE_SOURCE } from '../../src/control/protocol.ts';
import { BareSocket } from '../../src/kernel/bare-socket.ts';
import type { SomeFields } from '../../src/log/lines.ts';
import { BlackoutFlag } from '../../src/relay/blackout-flag.ts';
import { Counters } from '../../src/relay/counters.ts';
import { Crowd } from '../../src/relay/crowd.ts';
import { Descriptors } from '../../src/relay/descriptors.ts';
import { endpoint } from '../../src/relay/endpoint.ts';
import { NameCounters } from '../../src/relay/name-counters.ts';
import type { Relay } from '../../src/relay/relay.ts';
import { relayTo } from '../../src/relay/serve/relay-to.ts';
import { Slots } from '../../src/relay/slots.ts';
import type { Target } from '../../src/relay/target.ts';
import type { Connection } from '../../src/relay/tcp/connection.ts';
import { listenTcp, type Serve } from '../../src/relay/tcp/listen.ts';
import { dgramSockets } from '../../src/relay/udp/dgram-sockets.ts';
import { listenUdp } from '../../src/relay/udp/listen.ts';
import { openUdpSockets, type UdpSockets } from '../../src/relay/udp/sockets.ts';

type TcpOptions = Parameters<typeof listenTcp>[0] & Limit;
type UdpOptions = Parameters<typeof listenUdp>[0] & Limit;
interface Limit {
  readonly maxConnections: number;
}

/** The project `streams` has relays do as where no C can be called. */
export const OVER_STREAMS = process.env['TEST_SOCKETS'] === 'streams';

interface LogLine {
  readonly level: 'warn' | 'info' | 'debug';
  readonly fields: SomeFields;
  readonly message: string;
}

/** A log that keeps its lines, and hands them out as they come. */
export function testLog() {
  const lines: LogLine[] = [];
  const waiters = new Set<() => void>();
  const write = (level: LogLine['level']) => (fields: SomeFields, message: string) => {
    lines.push({ level, fields: { ...fields }, message });
    for (const wake of waiters) wake();
  };
  return {
    lines,
    warn: write('warn'),
    info: write('info'),
    debug: write('debug'),
    /** The first line with the message, now or later. */
    async line(message: string): Promise<LogLine> {
      for (;;) {
        const found = lines.find((line) => line.message === message);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => waiters.add(resolve));
      }
    },
  };
}

/** A target on loopback, known by name. */
export function localTarget(port: number, addresses: readonly string[] = ['127.0.0.1']): Target {
  const names = new NameCounters();
  return {
    host: 'target.test',
    asked: 'target.test',
    port,
    tally: () => names,
    resolve: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
  };
}

/** A TCP relay to one target with short, test-wise defaults; drained with the test. */
export function tcpRelay(target: Target, options: Partial<TcpOptions> = {}): Promise<Relay> {
  return servingRelay(relayTo(target), options);
}

/** A TCP relay that serves its clients so; drained with the test. */
export async function servingRelay(
  serve: Serve,
  { maxConnections = 100, ...options }: Partial<TcpOptions> = {},
): Promise<Relay> {
  const relay = await listenTcp({
    descriptors: new Descriptors(1),
    waiting: new Crowd({ size: 1_000, bytes: 8 * 1024 * 1024, leaver: 'newest' }),
    nameless: new Crowd({ size: 1_000, bytes: 8 * 1024 * 1024, leaver: 'oldest' }),
    port: 0,
    bind: null,
    allowFrom: null,
    blackoutFlag: new BlackoutFlag(),
    serve,
    sharesPort: false,
    slots: new Slots(maxConnections),
    counters: new Counters(),
    onDial: () => {},
    connectTimeout: 5_000,
    idleTimeout: 0,
    probeSource: PROBE_SOURCE,
    proxyProtocol: 'off',
    bare: !OVER_STREAMS,
    log: testLog(),
    endLevel: 'info',
    ...options,
  });
  onTestFinished(() => relay.drain(AbortSignal.abort()));
  return relay;
}

/** What UDP relays are made of. */
export async function udpSockets(): Promise<UdpSockets> {
  return OVER_STREAMS ? dgramSockets() : openUdpSockets(testLog());
}

/** A UDP relay with short, test-wise defaults; drained with the test. */
export async function udpRelay(
  target: Target,
  { maxConnections = 100, ...options }: Partial<UdpOptions> = {},
): Promise<Relay> {
  const relay = await listenUdp({
    sockets: await udpSockets(),
    port: 0,
    bind: null,
    allowFrom: null,
    probeSource: PROBE_SOURCE,
    blackoutFlag: new BlackoutFlag(),
    lead: () => ({ target, end() {} }),
    byAddress: false,
    sharesPort: false,
    slots: new Slots(maxConnections),
    waiting: new Crowd({ size: Infinity, bytes: Infinity, leaver: 'newest' }),
    counters: new Counters(),
    onDial: () => {},
    onCrowded: () => {},
    onTraffic: () => {},
    answers: true,
    patience: 5_000,
    connectTimeout: 5_000,
    sessionTimeout: 60_000,
    log: testLog(),
    endLevel: 'info',
    ...options,
  });
  onTestFinished(() => relay.drain(AbortSignal.abort()));
  return relay;
}

/** How many bytes have been read of each peer by a bare socket. */
const reads = new Map<string, number>();
const read = Reflect.get(BareSocket.prototype, 'read');
BareSocket.prototype.read = function (length) {
  const result = read.call(this, length);
  const from = endpoint(this.remoteAddress, this.remotePort);
  reads.set(from, (reads.get(from) ?? 0) + Math.max(0, result));
  return result;
};

/** How many bytes have been read of a client; to be called before any is. */
export function countReads({ client }: Connection): () => number {
  if (OVER_STREAMS) {
    const stream = client.toStream();
    return () => stream.bytesRead;
  }
  const from = endpoint(client.remoteAddress, client.remotePort);
  reads.delete(from);
  return () => reads.get(from) ?? 0;
}

/** This process's own listening socket on a port, which no relay hands out. */
export function listenerOn(port: number): EventEmitter {
  const handles = (process as unknown as { _getActiveHandles: () => unknown[] })._getActiveHandles();
  const listener = handles.find((handle) => {
    try {
      return (
        (handle as Partial<Server>).address?.() !== null &&
        ((handle as Server).address() as AddressInfo).port === port
      );
    } catch {
      return false; // closed, or no socket at all
    }
  });
  if (listener === undefined) throw new Error(`no listener on port ${port}`);
  return listener as EventEmitter;
}
