import { readFileSync } from 'node:fs';

import type { Protocol } from '../lib/protocol.ts';
import type { Fields } from '../log/lines.ts';
import type { Log } from '../log/log.ts';
import { endpoint } from '../relay/endpoint.ts';
import { type Flow, watchFlows } from './conntrack.ts';

interface Options {
  readonly log: Pick<Log, 'info' | 'debug' | 'warn'>;
  readonly level: 'info' | 'debug';
  /** The name and the port that a flow is one of; null where that is not known. */
  readonly wayOf: (
    flow: Flow,
  ) => { readonly host: string; readonly port: number; readonly protocol: Protocol } | null;
}

/** What has the kernel know of a flow how much it was, and for how long. */
const NEEDED = ['net.netfilter.nf_conntrack_acct', 'net.netfilter.nf_conntrack_timestamp'];

/** Logs each flow that the kernel has taken as it forgets it, of TCP two minutes behind its end, until what it returns is called. */
export function logFlows({ log, level, wayOf }: Options): () => void {
  const off = NEEDED.filter((sysctl) => !isOn(sysctl));
  if (off.length > 0) {
    const err = `to be set in the container's sysctls: ${off.map((sysctl) => `${sysctl}: "1"`).join(', ')}`;
    log.warn({ err }, 'what the kernel takes is not logged, as it does not count');
    return () => {};
  }
  return watchFlows('DESTROY', (flow) => {
    const way = wayOf(flow);
    if (way === null) return;
    const { port, protocol, host } = way;
    const { client, target, sent, received, duration } = flow;
    const fields = {
      port,
      protocol,
      client: endpoint(client.address, client.port),
      target: endpoint(host, target.port),
      address: endpoint(target.address, target.port),
      sent,
      received,
      ms: duration * 1_000,
      ending: endingOf(flow),
    };
    log[level](fields, protocol === 'tcp' ? 'connection ended' : 'session ended');
  });
}

function endingOf({ state, isForgotten }: Flow): Fields['ending'] {
  if (isForgotten) return 'cut off';
  if (state === 'TIME_WAIT') return 'finished';
  return state === 'CLOSE' ? 'reset' : 'idle';
}

function isOn(sysctl: string): boolean {
  try {
    return readFileSync(`/proc/sys/${sysctl.replaceAll('.', '/')}`, 'latin1').trim() === '1';
  } catch {
    return false;
  }
}
