import { connect } from 'node:net';

import type { Answer, BlackoutRequest, Status } from './protocol.ts';

/**
 * Tells the relay to do what is requested, if anything is, and asks for its status then. Rejects when nothing listens at `path`, no whole
 * answer comes within `timeout` ms, or the relay refuses the request.
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
  if (answer === '') throw new Error('it closed the connection without an answer');
  const { error, ...status } = JSON.parse(answer) as Answer;
  if (error !== undefined) throw new Error(`it refused the request: ${error}`);
  return status;
}
