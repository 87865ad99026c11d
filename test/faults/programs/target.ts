/** A program, in a network of its own: echoes over TCP and UDP, serves HTTP, and behaves as it is told. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer as createWebServer } from 'node:http';
import { createServer, type Socket } from 'node:net';

import { HTTP_PORT, PORT, type TargetBehaviour } from '../protocol.ts';

let behaviour: TargetBehaviour = 'echo';
const live = new Set<Socket>();

const server = createServer({ allowHalfOpen: true }, (socket) => {
  if (behaviour === 'reset on accept') {
    socket.resetAndDestroy();
    return;
  }
  live.add(socket);
  socket.on('error', () => {}).on('close', () => live.delete(socket));
  socket.on('data', (bytes) => {
    if (behaviour === 'mute') return;
    if (behaviour === 'half-closing') socket.end();
    else socket.write(bytes);
  });
  socket.on('end', () => {
    if (behaviour !== 'mute') socket.end();
  });
  follow(socket);
});

/** Has a socket read as the behaviour wants it to. */
function follow(socket: Socket): void {
  if (behaviour === 'not reading' || behaviour === 'one byte a second') socket.pause();
  else socket.resume();
}

setInterval(() => {
  if (behaviour !== 'one byte a second') return;
  // Whoever listens for 'data' is told of it.
  for (const socket of live) socket.read(1);
}, 1_000);

const web = createWebServer((request, response) => {
  if (behaviour === 'mute') return;
  if (behaviour === 'reset on accept') request.socket.resetAndDestroy();
  else response.end(`${request.url} ${request.socket.localAddress}`);
});

/** Where UDP is served: with a socket for each, answers leave from the address that was asked. */
const ADDRESSES = process.argv.length > 2 ? process.argv.slice(2) : ['0.0.0.0'];

let sockets: UdpSocket[] = [];

function listen(): void {
  sockets = ADDRESSES.map((address) => {
    const udp = createSocket('udp4').bind(PORT, address);
    return udp.on('message', (datagram, from) => {
      if (behaviour !== 'mute') udp.send(datagram, from.port, from.address);
    });
  });
  web.listen(HTTP_PORT, '0.0.0.0', () => server.listen(PORT, '0.0.0.0', () => process.send?.('serves')));
}

/** What lives goes on. */
function stop(): void {
  server.close();
  web.close();
  for (const udp of sockets) udp.close();
}

process.on('message', (told: TargetBehaviour) => {
  if (told === 'reset live') {
    for (const socket of live) socket.resetAndDestroy();
    web.closeAllConnections();
    return;
  }
  if (told === 'refusing') {
    stop();
    return;
  }
  behaviour = told;
  if (!server.listening) listen();
  for (const socket of live) follow(socket);
});

listen();
