import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';

import { isNamed, type Peer } from './peers/peer.ts';
import { versionOf } from './peers/versions.ts';

/** When, where and with what a run was made. */
export interface Setting {
  readonly date: string;
  readonly commit: string;
  readonly kernel: string;
  readonly cpu: string;
  readonly memory: string;
  readonly network: string;
  readonly flags: readonly string[];
  /** Of the peers and of what puts loads on them. */
  readonly versions: Readonly<Record<string, string>>;
}

const GIBI = 2 ** 30;

export function describeSetting(
  peers: readonly Peer[],
  { network, flags }: Pick<Setting, 'network' | 'flags'>,
): Setting {
  const [cpu] = cpus();
  const tools = {
    iperf3: versionOf('iperf3', '--version', /iperf (\d[\d.]*)/),
    wrk: versionOf('wrk', '--version', /(\d+\.\d+\.\d+)/),
    dnsperf: versionOf('dnsperf', '-h', /Version (\d[\d.]*)/),
  };
  const versions = [
    ...peers.filter((peer) => !isNamed(peer)).map(({ name, version }) => [name, version] as const),
    ...Object.entries(tools),
  ];
  return {
    date: new Date().toISOString(),
    commit: spawnSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).stdout?.trim() ?? '',
    kernel: release(),
    cpu: `${cpus().length} × ${cpu?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / GIBI)} GiB`,
    network,
    flags,
    versions: Object.fromEntries(
      versions.flatMap(([name, version]) => (version === null ? [] : [[name, version]])),
    ),
  };
}
