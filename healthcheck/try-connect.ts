import { once } from 'node:events';
import { connect } from 'node:net';

/** In ms. */
const TIMEOUT = 2_000;

/** Connects, and ends the connection at once. Resolves with why it could not within 2 s; with null where it could. Never rejects. */
export async function tryConnect(host: string, port: number): Promise<unknown> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(TIMEOUT) });
    return null;
  } catch (cause) {
    return cause;
  } finally {
    socket.destroy();
  }
}
