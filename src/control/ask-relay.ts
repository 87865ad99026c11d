import { existsSync } from 'node:fs';
import { connect } from 'node:net';

import { describeFailure } from '../lib/deadline.ts';
import type { Answer, Request } from './protocol.ts';
import { controlPaths } from './run-dir.ts';

/** How long the relay may take to answer on its control socket, in ms. */
const TIMEOUT = 2_000;

/**
 * The status of the relay that runs here, once it has done what is requested; null where there is no control
 * socket. Rejects when no whole answer comes within `timeout` ms, or the relay refuses the request.
 */
export async function askRelay(
  runDir: string | null,
  {
    request = null,
    timeout = TIMEOUT,
  }: { readonly request?: Request | null; readonly timeout?: number } = {},
): Promise<Omit<Answer, 'error'> | null> {
  const path = controlPaths(runDir).find((candidate) => existsSync(candidate));
  if (path === undefined) return null;
  try {
    const socket = connect({ path, allowHalfOpen: true, signal: AbortSignal.timeout(timeout) });
    socket.end(request === null ? '' : JSON.stringify(request));
    let answer = '';
    for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) answer += chunk;
    if (answer === '') throw new Error('it closed the connection without an answer');
    const { error, ...told } = JSON.parse(answer) as Answer;
    if (error !== undefined) throw new Error(`it refused the request: ${error}`);
    return told;
  } catch (cause) {
    throw new Error(`the relay does not answer on ${path}: ${describeFailure(cause, timeout)}`, { cause });
  }
}
