import { connect, type Socket } from 'node:net';

import { connectBare } from '../../kernel/bare-connect.ts';
import type { BareSocket } from '../../kernel/bare-socket.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { SocketAddress } from '../../kernel/socket-address.ts';
import { KEEP_ALIVE_DELAY } from '../../kernel/socket-options.ts';
import { resetConnecting } from './reset.ts';

/** Connects to an address; the socket may be half-closed. Rejects with a system error, or with the signal's reason. */
export type Connect = (to: SocketAddress, signal: AbortSignal) => Promise<Socket | BareSocket>;

/** Connects bare sockets. */
export function createConnectBare(kernel: Kernel): Connect {
  return (to, signal) => connectBare(kernel, to, signal);
}

const ignore = () => {};

/** Connects streams. */
export const connectStream: Connect = ({ address, port }, signal) => {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({
    host: address,
    port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_DELAY,
  });
  let hasBegun = false;
  const stop = () => {
    socket.off('connect', onConnect).off('error', onError);
    signal.removeEventListener('abort', onAbort);
  };
  const onConnect = () => {
    stop();
    socket.on('error', ignore); // 'close' follows
    resolve(socket);
  };
  const onError = (cause: Error) => {
    stop();
    reject(cause);
  };
  const onAbort = () => {
    stop();
    socket.on('error', ignore);
    if (hasBegun) resetConnecting(socket);
    else socket.destroy();
    reject(signal.reason as Error);
  };
  socket.once('connectionAttempt', () => {
    hasBegun = true;
  });
  socket.on('connect', onConnect).on('error', onError);
  signal.addEventListener('abort', onAbort);
  return promise;
};
