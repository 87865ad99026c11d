import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

import { expect, test } from 'vitest';

import { startSallyport } from '../helpers/program.ts';
import { closedPort, readAll, tcpClient, tcpServer } from '../helpers/sockets.ts';

const GIBIBYTE = 1024 ** 3;
const CHUNK = 1024 ** 2;
/** The longest stall of the reader, in ms, and after how many bytes each comes. */
const STALL = 2_000;
const STALL_EVERY = 400 * CHUNK;
/** How much the process may grow while it relays, in kB: buffers of two directions and the heap's slack, far below what is relayed. */
const MAX_GROWTH = 96 * 1024;

/** A chunk that differs at each place, so that a lost, doubled or moved byte shows. */
function pattern(index: number): Buffer {
  const chunk = Buffer.alloc(CHUNK, index % 251);
  chunk.writeUInt32BE(index);
  return chunk;
}

async function writePattern(socket: Socket): Promise<void> {
  for (let index = 0; index < GIBIBYTE / CHUNK; index++) {
    if (!socket.write(pattern(index))) await once(socket, 'drain');
  }
  socket.end();
}

/** Reads all, stalling for seconds now and then, and checks every byte. */
async function readPattern(socket: Socket): Promise<number> {
  let pending: Buffer = Buffer.alloc(0);
  let index = 0;
  let received = 0;
  let nextStall = STALL_EVERY;
  for await (const bytes of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    received += bytes.length;
    pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
    while (pending.length >= CHUNK) {
      if (!pending.subarray(0, CHUNK).equals(pattern(index))) throw new Error(`chunk ${index} differs`);
      pending = pending.subarray(CHUNK);
      index++;
    }
    if (received >= nextStall) {
      nextStall += STALL_EVERY;
      await new Promise((resolve) => setTimeout(resolve, STALL));
    }
  }
  return received;
}

/** Resident memory of a process, in kB (proc(5)). */
function residentMemory(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
}

test(
  '1 GiB passes each way, byte for byte, through readers that stall, in flat memory',
  { timeout: 240_000 },
  async () => {
    const accepted = Promise.withResolvers<Socket>();
    const { port: target } = await tcpServer(accepted.resolve);
    const port = await closedPort();
    const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${port}:${target}` });
    await relay.line('listening');
    const before = residentMemory(relay.process.pid);
    let peak = before;
    const watch = setInterval(() => (peak = Math.max(peak, residentMemory(relay.process.pid))), 50);

    const client = await tcpClient(port);
    const upstream = await accepted.promise;
    const [, , up, down] = await Promise.all([
      writePattern(client),
      writePattern(upstream),
      readPattern(upstream),
      readPattern(client),
    ]);
    clearInterval(watch);

    expect([up, down]).toEqual([GIBIBYTE, GIBIBYTE]);
    expect(peak - before).toBeLessThan(MAX_GROWTH);
  },
);

test('a reply that pauses for 30 s after the client’s FIN arrives whole', { timeout: 60_000 }, async () => {
  const { port: target } = await tcpServer((socket) => {
    socket.resume().on('end', () => {
      socket.write('the first half, ');
      setTimeout(() => socket.end('and the second'), 30_000);
    });
  });
  const port = await closedPort();
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${port}:${target}` });
  await relay.line('listening');

  const client = await tcpClient(port);
  client.end('question');
  expect((await readAll(client)).toString()).toBe('the first half, and the second');
});

test('a reply that comes before the upload is over arrives whole, though the target then resets', async () => {
  const reply = Buffer.alloc(20_000, 'r');
  const { port: target } = await tcpServer((socket) => {
    socket.once('data', () => {
      socket.pause();
      // Closing with the upload unread makes the kernel reset the connection right behind the reply (RFC 2525 §2.17).
      socket.write(reply, () => socket.destroy());
    });
  });
  const port = await closedPort();
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${port}:${target}` });
  await relay.line('listening');

  for (let round = 0; round < 40; round++) {
    const client = await tcpClient(port);
    client.write(Buffer.alloc(400_000, 'u'));
    let received = 0;
    client.on('data', (chunk) => (received += chunk.length));
    // A target that closes before more of the upload has come ends with a FIN, behind which Node does not look for a reset.
    await new Promise<void>((resolve) => client.once('end', resolve).once('close', () => resolve()));
    expect(received).toBe(reply.length);
    client.destroy();
  }
});
