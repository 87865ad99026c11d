import type { Config } from '../config/config.ts';
import { MAX_PORTS } from '../config/ports.ts';
import { listFlows } from '../lane/conntrack.ts';
import { Lanes } from '../lane/lanes.ts';
import { type Terms, writeGuard } from '../lane/ruleset.ts';
import { limitsOf, partsOf } from '../lane/share.ts';
import { runTool } from '../lane/tools.ts';
import { messageOf } from '../lib/message-of.ts';
import type { Log } from '../log/log.ts';
import { isForwarded } from '../runtime/forwarding.ts';

/** What users miss first. */
const DIFFERENCES =
  "the kernel relays raw ports, otherwise than the relay does: connect time-outs are the client's, bytes are counted with headers, what is to end is reset with its next packet; see docs/fast-lane.md";
const RIGHTS =
  'it takes nf_tables in the kernel, and the capability NET_ADMIN, which only root can use: cap_add: [NET_ADMIN] and user: "0:0", beside cap_drop: [ALL]';

interface OpenLanes {
  readonly lanes: Lanes;
  /** Whether the kernel has flows that another door left. */
  readonly hasFormer: boolean;
}

/** From now on the kernel forwards nothing but what its lanes have taken, of which there are none yet. Rejects with what speaks against FAST_LANE. */
export async function openLanes(config: Config, log: Pick<Log, 'warn' | 'info'>): Promise<OpenLanes> {
  return explain(async () => {
    const lanes = await Lanes.open(termsOf(config), (trouble) => tell(trouble, log));
    const hasFormer = (await listFlows()).length > 0;
    log.info({}, DIFFERENCES);
    return { lanes, hasFormer };
  });
}

/** Rejects with what speaks against FAST_LANE; the kernel is told nothing. */
export async function tryLanes(): Promise<void> {
  await explain(async () => {
    await runTool('nft', ['--check', '--file', '-'], writeGuard());
    await listFlows();
  });
}

/** What comes of an attempt to tell the kernel, with a hint where it fails. */
async function explain<T>(attempt: () => Promise<T>): Promise<T> {
  if (![true, false].some(isForwarded))
    throw new Error(
      'FAST_LANE=1: the kernel forwards nothing, as net.ipv4.ip_forward is 0 and net.ipv6.conf.all.forwarding as well: set them to "1" in the container\'s sysctls',
    );
  try {
    return await attempt();
  } catch (cause) {
    throw new Error(`FAST_LANE=1: ${messageOf(cause)}: ${RIGHTS}`, { cause });
  }
}

function termsOf({
  bind,
  allowFrom,
  maxConnections,
  udpTimeout,
  idleTimeout,
  connectTimeout,
}: Config): Terms {
  return {
    bind,
    allowFrom,
    limits: limitsOf(maxConnections),
    parts: partsOf(maxConnections),
    maxPorts: MAX_PORTS,
    udpTimeout: seconds(udpTimeout),
    idleTimeout: idleTimeout === 0 ? null : seconds(idleTimeout),
    connectTimeout: seconds(connectTimeout),
  };
}

/** Told once, until it is over. */
function tell(err: unknown, log: Pick<Log, 'warn' | 'info'>): void {
  if (err === null) log.info({}, 'the kernel can be told what to take again');
  else log.warn({ err }, 'the kernel cannot be told what to take, and may go by what it was told last');
}

/** As the kernel counts time. */
export function seconds(ms: number): number {
  return Math.max(1, Math.round(ms / 1_000));
}
