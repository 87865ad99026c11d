import { connect } from 'node:net';

import type { Status } from './protocol.ts';

/** Asks the relay for its status. Rejects when nothing listens at `path`, or no whole answer comes within `timeout` ms. */
export async function askControl(path: string, timeout: number): Promise<Status> {
  const socket = connect({ path, signal: AbortSignal.timeout(timeout) });
  let answer = '';
  for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) answer += chunk;
  return JSON.parse(answer) as Status;
}
