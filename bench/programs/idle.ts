// Opens connections and leaves them idle until it is killed: node bench/programs/idle.ts ADDRESS PORT COUNT
// Before and after, it measures how long 100 more take. Prints both medians in ms, as JSON, once all are open.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const MORE = 100;
/** The first ones find everything cold. */
const WARM_UPS = 3;
const REPEATS = 7;
const AT_ONCE = 200;
const PAUSE = 100; // ms
const HELLO = Buffer.from('.');

async function main([address = '', port, count]: readonly string[]): Promise<void> {
  const open = (number: number) =>
    Promise.all(Array.from({ length: number }, () => openOne(address, Number(port))));

  const openMore = async (): Promise<number> => {
    const begin = performance.now();
    const sockets = await open(MORE);
    const duration = performance.now() - begin;
    await Promise.all(sockets.map((socket) => once(socket.end(), 'close')));
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    return duration;
  };
  const medianOfMore = async (): Promise<number> => {
    const durations: number[] = [];
    for (let i = 0; i < REPEATS; i++) durations.push(await openMore());
    return durations.toSorted((a, b) => a - b)[Math.floor(REPEATS / 2)] ?? NaN;
  };

  for (let i = 0; i < WARM_UPS; i++) await openMore();
  const none = await medianOfMore();
  for (let left = Number(count); left > 0; left -= AT_ONCE) await open(Math.min(left, AT_ONCE));
  const idle = await medianOfMore();
  console.log(JSON.stringify({ none, idle }));
}

/** Resolves once the server has sent a byte back: the relay's other connection is open too, then. */
async function openOne(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true });
  socket.write(HELLO);
  await once(socket, 'data');
  socket.on('error', (error) => {
    console.error(`an idle connection has failed: ${error.message}`);
    process.exit(1);
  });
  return socket;
}

await main(process.argv.slice(2));
