// Sends back what it is sent: node bench/programs/echo.ts PORT
import { createServer } from 'node:net';

const [port] = process.argv.slice(2);

createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {});
  socket.on('data', (bytes) => socket.write(bytes));
}).listen({ port: Number(port), host: '0.0.0.0', backlog: 4096 });
