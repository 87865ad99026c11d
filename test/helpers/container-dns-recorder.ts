import { inject } from 'vitest';

import { images, runLabel } from './docker-names.ts';
import { docker } from './docker.ts';

/** A question that was seen on its way. */
interface SeenQuestion {
  /** The address that it went to. */
  readonly to: string;
  readonly type: string;
  /** As it was asked, without the root's dot. */
  readonly name: string;
}

/** Sees every DNS question that leaves a container, or the engine itself. */
export interface DnsRecorder {
  /** All so far, in their order; one that passes several interfaces is seen on each. */
  readonly questions: () => Promise<readonly SeenQuestion[]>;
  readonly stop: () => Promise<void>;
}

const QUESTION = /> (\S+)\.53: .*?\b([A-Z]+)\? (\S+)\. /;

/** Listens on every interface of the engine's host, loopback too, where the engine asks on behalf of containers. */
export async function recordDns(): Promise<DnsRecorder> {
  const label = `${runLabel}=${inject('dockerRun') ?? ''}`;
  const tcpdump = ['tcpdump', '-Z', 'root', '-i', 'any', '-n', '-l', '--immediate-mode', 'port', '53'];
  const run = ['run', '--detach', '--network', 'host', '--label', label, images.peers, ...tcpdump];
  const id = await docker(...run);
  const said = async () => (await docker('logs', id)).split('\n');
  return {
    questions: async () =>
      (await said()).flatMap((line) => {
        const [, to, type, name] = QUESTION.exec(line) ?? [];
        return to === undefined || type === undefined || name === undefined ? [] : [{ to, type, name }];
      }),
    stop: async () => void (await docker('rm', '--force', id)),
  };
}
