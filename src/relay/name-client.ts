import { sourceOf } from '../lib/source-of.ts';
import { endpoint } from './endpoint.ts';

interface Client {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** What the log calls a client: its address and port, or `healthcheck` where it is one of the healthcheck's probes. */
export function nameClient({ remoteAddress, remotePort }: Client, probeSource: string): string {
  return sourceOf(remoteAddress ?? '') === probeSource ? 'healthcheck' : endpoint(remoteAddress, remotePort);
}
