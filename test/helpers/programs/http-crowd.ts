/**
 * A program, for a network of its own: an HTTP server on port 4002 of 127.0.0.1, and clients that ask port 4001 for a host. Its arguments are the host, how
 * many clients, and how many ms lie between them. It says when all have connected; and how many were answered once all have ended. SIGTERM has all that live
 * leave with a reset.
 */
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';

const [host = '', clients = '', pause = ''] = process.argv.slice(2);
let [connected, ended, answered] = [0, 0, 0];
const live = new Set<Socket>();

function call(): void {
  let answer = '';
  const socket = connect(4_001, '127.0.0.1', () => {
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    if (++connected === Number(clients)) console.log('all have connected');
  });
  live.add(socket);
  socket.on('data', (bytes) => (answer += bytes.toString('latin1')));
  socket.on('error', () => {});
  socket.on('close', () => {
    live.delete(socket);
    if (answer.startsWith('HTTP/1.1 200')) answered++;
    if (++ended === Number(clients)) console.log(`answered: ${answered}`);
  });
}

function begin(): void {
  let started = 0;
  const timer = setInterval(() => {
    if (++started === Number(clients)) clearInterval(timer);
    call();
  }, Number(pause));
}

process.on('SIGTERM', () => live.forEach((socket) => socket.resetAndDestroy()));
const server = createServer((_request, response) => response.end('found'));
// Another such program may serve already.
server.on('error', begin).listen(4_002, '127.0.0.1', begin);
