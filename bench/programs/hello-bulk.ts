// Moves bytes after a TLS hello: node bench/programs/hello-bulk.ts ADDRESS PORT NAME SECONDS upload|download
// Prints how many have arrived and how long that took, in s, as JSON.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { clientHello } from '../../test/helpers/client-hello.ts';
import { DOWNLOAD, UPLOAD } from './hello.ts';

const CHUNK = Buffer.alloc(256 * 1024);

async function main([address = '', port, name = '', seconds, direction]: readonly string[]): Promise<void> {
  const buffer = Buffer.alloc(1024 * 1024);
  const greeted = Promise.withResolvers<void>();
  let received = 0;
  let last = '';
  const callback = (length: number) => {
    if (direction === 'upload') last = buffer.toString('latin1', 0, length);
    received += length;
    greeted.resolve();
    return true;
  };
  const socket = connect({ host: address, port: Number(port), noDelay: true, onread: { buffer, callback } });
  socket.on('error', (error) => greeted.reject(error));
  socket.on('close', () => greeted.reject(new Error('closed before the ServerHello')));
  socket.write(clientHello({ names: [name] }));
  await greeted.promise;

  const greeting = received;
  const begin = performance.now();
  const bytes =
    direction === 'upload'
      ? await upload(socket, Number(seconds), () => Number(last))
      : await download(socket, Number(seconds), () => received - greeting);
  console.log(JSON.stringify({ bytes, seconds: (performance.now() - begin) / 1000 }));
  socket.destroy();
}

/** The server's count, which comes once it has read everything. */
async function upload(socket: Socket, seconds: number, count: () => number): Promise<number> {
  const deadline = performance.now() + seconds * 1000;
  socket.write(Buffer.of(UPLOAD));
  while (performance.now() < deadline) if (!socket.write(CHUNK)) await once(socket, 'drain');
  socket.end();
  await once(socket, 'end');
  if (count() === 0) throw new Error('the server has told no count');
  return count();
}

async function download(socket: Socket, seconds: number, count: () => number): Promise<number> {
  socket.write(Buffer.of(DOWNLOAD));
  await Promise.race([new Promise((resolve) => setTimeout(resolve, seconds * 1000)), once(socket, 'close')]);
  if (socket.destroyed) throw new Error('closed early');
  return count();
}

await main(process.argv.slice(2));
