import { join } from 'node:path';

import { runToEnd } from '../world/launch.ts';
import type { Place } from '../world/place.ts';

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
}

interface Options {
  readonly clients: number;
  readonly seconds: number;
  readonly headers?: readonly string[];
  readonly path?: string;
}

/** Of requests, how many may fail. */
const MAX_FAILED = 0.001;

/** Runs wrk to its end. Rejects where too many requests have failed: what breaks off must not count as fast. */
export async function wrk(
  place: Place,
  { address, port }: { address: string; port: number },
  { clients, seconds, headers = [], path = '/' }: Options,
): Promise<Result> {
  const pace = ['--threads', '1', '--connections', String(clients), '--duration', `${seconds}s`];
  const script = ['--script', join(import.meta.dirname, 'wrk.lua')];
  const asked = headers.flatMap((header) => ['--header', header]);
  const url = `http://${address}:${port}${path}`;
  const output = await runToEnd(place, ['wrk', ...pace, ...script, ...asked, url], { seconds });
  const found = JSON.parse(output.split('@@')[1] ?? 'null') as Found | null;
  if (found === null || found.requests === 0) throw new Error(`wrk found nothing: ${output}`);
  if (found.errors > MAX_FAILED * found.requests)
    throw new Error(`${found.errors} of ${found.requests} requests have failed`);
  return { ...found, perSecond: found.requests / (found.microseconds / 1e6) };
}
