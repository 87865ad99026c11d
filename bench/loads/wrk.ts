import { join } from 'node:path';

import { runToEnd } from '../world/launch.ts';
import type { Run } from './load.ts';
import { withCpu } from './with-cpu.ts';

/** What wrk found; latencies in µs. */
interface Found {
  readonly requests: number;
  readonly microseconds: number;
  readonly bytes: number;
  readonly p50: number;
  readonly p99: number;
  readonly errors: number;
}

interface Result extends Found {
  readonly perSecond: number;
  /** CPU time of the peer, in s; null where it has none. */
  readonly cpu: number | null;
}

interface Options {
  readonly clients: number;
  readonly headers?: readonly string[];
  readonly path?: string;
  /** How many bytes are sent with each request. */
  readonly content?: number;
}

/** Of requests, how many may fail. */
const MAX_FAILED = 0.001;

/** Runs wrk to its end. Rejects where too many requests have failed: what breaks off must not count as fast. */
export async function wrk(
  { world, started, seconds }: Run,
  { clients, headers = [], path = '/', content = 0 }: Options,
): Promise<Result> {
  const pace = ['--threads', '1', '--connections', String(clients), '--duration', `${seconds}s`];
  const script = ['--script', join(import.meta.dirname, 'wrk.lua')];
  const asked = headers.flatMap((header) => ['--header', header]);
  const url = `http://${started.address}:${started.port}${path}`;
  const sent = content > 0 ? ['--', String(content)] : [];
  const { result: output, cpu } = await withCpu(started, () =>
    runToEnd(world.client, ['wrk', ...pace, ...script, ...asked, url, ...sent], { seconds }),
  );
  const found = JSON.parse(output.split('@@')[1] ?? 'null') as Found | null;
  if (found === null || found.requests === 0) throw new Error(`wrk found nothing: ${output}`);
  if (found.errors > MAX_FAILED * found.requests)
    throw new Error(`${found.errors} of ${found.requests} requests have failed`);
  return { ...found, cpu, perSecond: found.requests / (found.microseconds / 1e6) };
}
