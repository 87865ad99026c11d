// Sends one byte and waits for it to come back, again and again, for so long: node bench/programs/ping-pong.ts ADDRESS PORT SECONDS
// Prints the latencies' percentiles in µs, as JSON.
import { once } from 'node:events';
import { connect } from 'node:net';

/** The first ones find everything cold. */
const WARM_UP = 500;
const PING = Buffer.from('.');

async function main([address, port, seconds]: readonly string[]): Promise<void> {
  const socket = connect({ host: address, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  const latencies: number[] = [];
  const deadline = performance.now() + Number(seconds) * 1000;
  let sentAt = 0;
  const ping = () => {
    sentAt = performance.now();
    socket.write(PING);
  };
  socket.on('data', () => {
    const now = performance.now();
    latencies.push(now - sentAt);
    if (now > deadline && latencies.length > WARM_UP) socket.destroy();
    else ping();
  });
  ping();
  await once(socket, 'close');
  if (performance.now() < deadline) throw new Error('the connection has ended early');

  const sorted = latencies.slice(WARM_UP).toSorted((a, b) => a - b);
  const percentile = (part: number) => (sorted[Math.floor(part * (sorted.length - 1))] ?? NaN) * 1000;
  console.log(JSON.stringify({ p50: percentile(0.5), p99: percentile(0.99) }));
}

await main(process.argv.slice(2));
