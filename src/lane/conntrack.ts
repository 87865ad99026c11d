import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import type { SocketAddress } from '../kernel/socket-address.ts';
import type { Protocol } from '../lib/protocol.ts';
import { idOfMark, MARK_AND_MASK, markAndMaskOf, partOfMark } from './ruleset.ts';
import { runTool } from './tools.ts';

/** A connection or session that a lane has taken. */
export interface Flow {
  /** Of the lane. */
  readonly id: number;
  /** Of its port's flows: those that the kernel counts together. */
  readonly part: number;
  readonly client: SocketAddress;
  readonly target: SocketAddress;
  /** Of TCP, as conntrack(8) names it; '' of UDP. */
  readonly state: string;
  /** Whether its target has ever answered. */
  readonly isAnswered: boolean;
  /** Whether the kernel was told to forget it. */
  readonly isForgotten: boolean;
  /** Until the kernel forgets it, where nobody says anything any more, in s. */
  readonly left: number;
  /** In bytes, headers of IP included; 0 where the kernel does not count them (nf_conntrack_acct). */
  readonly sent: number;
  readonly received: number;
  /** Of one that is over, in s; 0 where the kernel does not tell (nf_conntrack_timestamp). */
  readonly duration: number;
}

/** Which flows are meant: of one lane, or of all. */
export interface Which {
  readonly id?: number;
  readonly protocol?: Protocol;
  /** Those alone that lead to this address. */
  readonly target?: string;
  /** That of this client alone. */
  readonly client?: SocketAddress;
}

/** States of TCP in which nothing comes any more. */
const OVER: ReadonlySet<string> = new Set(['TIME_WAIT', 'CLOSE']);
/** One direction of a flow: as its first packet was, or as answers are to be. */
const direction = (name: string) =>
  String.raw`src=(?<${name}>\S+) dst=\S+ sport=(?<${name}Port>\d+) dport=\d+ (?:packets=\d+ bytes=(?<${name}Bytes>\d+) )?`;
/** As conntrack(8) tells of a flow on a line: the protocol, its number, the time left and the state; both directions; the mark, and how long it has been. */
const LINE = new RegExp(
  String.raw`(?:tcp|udp) +\d+ +(?:(?<left>\d+) +)?(?:(?<state>[A-Z_\d]+) +)?${direction('client')}(?<unanswered>\[UNREPLIED\] )?${direction('target')}.*\bmark=(?<mark>\d+)(?:.*\bdelta-time=(?<duration>\d+))?`,
);

/** Whether the ends of a flow may still say something to each other. */
export function isLive({ state }: Flow): boolean {
  return !OVER.has(state);
}

/** Those of lanes. Rejects with a ToolError. */
export async function listFlows(): Promise<readonly Flow[]> {
  const output = await runTool('conntrack', ['-L', '--mark', MARK_AND_MASK]);
  return output.split('\n').flatMap((line) => readFlow(line) ?? []);
}

/** What a line tells of; null for nothing. */
function readFlow(line: string): Flow | null {
  const { groups } = LINE.exec(line) ?? {};
  if (groups === undefined) return null;
  const mark = Number(groups['mark']);
  const end = (name: 'client' | 'target') => ({
    address: groups[name] ?? '',
    port: Number(groups[`${name}Port`]),
  });
  return {
    id: idOfMark(mark),
    part: partOfMark(mark),
    client: end('client'),
    target: end('target'),
    state: groups['state'] ?? '',
    isAnswered: groups['unanswered'] === undefined,
    isForgotten: line.includes('[USERSPACE]'),
    left: Number(groups['left'] ?? 0),
    sent: Number(groups['clientBytes'] ?? 0),
    received: Number(groups['targetBytes'] ?? 0),
    duration: Number(groups['duration'] ?? 0),
  };
}

/** Has the kernel know flows no longer: what comes of them next is nobody's, and resets the ends of TCP. Rejects with a ToolError. */
export async function forgetFlows({ id, protocol, target, client }: Which): Promise<void> {
  const args = [
    '--mark',
    id === undefined ? MARK_AND_MASK : markAndMaskOf(id),
    ...(target === undefined ? [] : ['--reply-src', target]),
    // A port needs a protocol.
    ...(protocol === undefined ? [] : ['--proto', protocol]),
    ...(client === undefined ? [] : ['--orig-src', client.address, '--orig-port-src', `${client.port}`]),
  ];
  try {
    await runTool('conntrack', ['-D', ...args]);
  } catch (cause) {
    // It fails where there are none.
    if (!/\b0 flow entries have been deleted/.test(String(cause))) throw cause;
  }
}

/** Tells of each flow of a lane that changes or is over, until what it returns is called. */
export function watchFlows(events: 'UPDATES,DESTROY' | 'DESTROY', onFlow: (flow: Flow) => void): () => void {
  const args = ['-E', '-e', events, '--mark', MARK_AND_MASK];
  try {
    const child = spawn('conntrack', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    child.on('error', () => {});
    // Without a descriptor for it there is no stream, whatever the types say.
    const { stdout } = child as Partial<typeof child>;
    if (stdout === undefined) return () => {};
    createInterface({ input: stdout }).on('line', (line) => {
      const flow = readFlow(line);
      if (flow !== null) onFlow(flow);
    });
    return () => child.kill();
  } catch {
    return () => {}; // whoever depends on it looks by himself as well
  }
}
