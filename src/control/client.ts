import { connect } from 'node:net';

import type { BlackoutRequest, Status } from './protocol.ts';

/**
 * Tells the relay to do what is requested, if anything is, and asks for its status then. Rejects when nothing listens at `path`, or no whole
 * answer comes within `timeout` ms.
 */
export async function askControl(
  path: string,
  timeout: number,
  request: BlackoutRequest | null = null,
): Promise<Status> {
  const socket = connect({ path, allowHalfOpen: true, signal: AbortSignal.timeout(timeout) });
  socket.end(request === null ? '' : JSON.stringify(request));
  let answer = '';
  for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) answer += chunk;
  return JSON.parse(answer) as Status;
}
