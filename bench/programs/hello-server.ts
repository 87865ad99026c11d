// A server that begins as TLS does, and then moves bytes that nobody had to encrypt: node bench/programs/hello-server.ts PORT
// It answers a ClientHello with a ServerHello. The byte after that says what for: u has it count what comes, and tell at the end; d has it send.
import { createServer, Socket, type SocketConstructorOpts } from 'node:net';

import { DOWNLOAD, SERVER_HELLO, UPLOAD } from './hello.ts';

const CHUNK = Buffer.alloc(256 * 1024);
const BUFFER = Buffer.alloc(1024 * 1024);

const [port] = process.argv.slice(2);

createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, (accepted) => {
  let isGreeted = false;
  let received = -1; // the byte that says what for does not count
  const socket = readingInto(BUFFER, accepted, (length) => {
    if (!isGreeted) {
      isGreeted = true;
      socket.write(SERVER_HELLO);
    } else if (BUFFER[0] === DOWNLOAD && received === -1) {
      sendForEver(socket);
    } else if (BUFFER[0] === UPLOAD || received > -1) {
      received += length;
    }
  });
  socket.on('error', () => {});
  socket.on('end', () => socket.end(received > 0 ? String(received) : ''));
}).listen({ port: Number(port), host: '0.0.0.0', backlog: 4096 });

/**
 * An accepted socket again, with what `net.connect` has as `onread`: without it reading costs more than the relay does. For that its handle has to be
 * put into another socket.
 */
function readingInto(buffer: Buffer, accepted: Socket, onRead: (length: number) => void): Socket {
  const { _handle: handle } = accepted as unknown as { readonly _handle: unknown };
  const onread = { buffer, callback: (length: number) => (onRead(length), true) };
  const socket = new Socket({ handle, onread, allowHalfOpen: true } as SocketConstructorOpts);
  return socket.resume();
}

function sendForEver(socket: Socket): void {
  const send = () => {
    while (!socket.destroyed && socket.write(CHUNK));
  };
  socket.on('drain', send);
  send();
}
