import { sourceOf } from '../source-of.ts';
import { endpoint } from './endpoint.ts';
import type { TcpSocket } from './tcp-socket.ts';

/** What the log calls a client: its address and port, or `healthcheck` where it is one of the healthcheck's probes. */
export function nameClient(
  { remoteAddress, remotePort }: Pick<TcpSocket, 'remoteAddress' | 'remotePort'>,
  probeSource: string,
): string {
  return sourceOf(remoteAddress ?? '') === probeSource ? 'healthcheck' : endpoint(remoteAddress, remotePort);
}
