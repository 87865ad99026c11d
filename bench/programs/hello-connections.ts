// Connects, says a TLS hello, waits for the answer, closes, and does so again: node bench/programs/hello-connections.ts ADDRESS PORT NAME SECONDS
// Prints how many connections were answered and closed by both, as JSON.
import { connect } from 'node:net';

import { clientHello } from '../../test/helpers/client-hello.ts';

const CLIENTS = 32;

async function main([host = '', port, name = '', seconds]: readonly string[]): Promise<void> {
  const hello = clientHello({ names: [name] });
  const begin = performance.now();
  const deadline = begin + Number(seconds) * 1000;
  let connections = 0;

  const visit = () =>
    new Promise<void>((resolve, reject) => {
      let isAnswered = false;
      const socket = connect({ host, port: Number(port), noDelay: true });
      socket.write(hello);
      socket.on('data', () => {
        isAnswered = true;
        socket.end();
      });
      socket.on('error', reject);
      socket.on('close', () => (isAnswered ? resolve() : reject(new Error('closed without an answer'))));
    });
  const client = async () => {
    while (performance.now() < deadline) {
      await visit();
      connections++;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  console.log(JSON.stringify({ connections, seconds: (performance.now() - begin) / 1000 }));
}

await main(process.argv.slice(2));
