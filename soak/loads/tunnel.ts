import { once } from 'node:events';
import type { Socket } from 'node:net';

const END_OF_HEAD = '\r\n\r\n';

/** Has a forward proxy open a tunnel. Rejects when it does not, with what it says. */
export async function openTunnel(socket: Socket, authority: string): Promise<void> {
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const fail = () => failed.reject(socket.errored ?? new Error('the proxy closed the connection'));
  socket.on('error', fail).on('close', fail).on('end', fail);
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}${END_OF_HEAD}`);
  let head = Buffer.alloc(0);
  for (;;) {
    const [bytes] = (await Promise.race([once(socket, 'data'), failed.promise])) as [Buffer];
    socket.pause();
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf(END_OF_HEAD);
    if (end === -1) {
      socket.resume();
      continue;
    }
    socket.off('error', fail).off('close', fail).off('end', fail);
    const [status = ''] = head.toString('latin1').split('\r\n', 1);
    if (!status.startsWith('HTTP/1.1 200')) throw new Error(`CONNECT: ${status}`);
    const rest = head.subarray(end + END_OF_HEAD.length);
    if (rest.length > 0) socket.unshift(rest);
    return;
  }
}
