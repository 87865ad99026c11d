import { closeSync, openSync, readFileSync } from 'node:fs';
import { type Socket } from 'node:net';
import { createInterface } from 'node:readline';

import { expect, onTestFinished, test } from 'vitest';

import { AF_INET, SOCK_STREAM } from '../../src/kernel/abi.ts';
import { allocate, loadCalls } from '../../src/kernel/calls.ts';
import {
  LARGEST_SOCKADDR,
  sizeOfSocketAddress,
  writeSocketAddress,
} from '../../src/kernel/socket-address.ts';
import { type Gap, LineOutput } from '../../src/log/line-output.ts';
import { fifo } from '../helpers/fifo.ts';
import { tcpServer } from '../helpers/sockets.ts';

const O_NONBLOCK = 0o4_000;

/** A pipe: a descriptor to write to, and its reader, which reads when asked to. */
async function pipe() {
  const { fd, read } = fifo();
  return { fd, read };
}

/** The same with a blocking TCP socket. */
async function socket() {
  const calls = loadCalls();
  const accepted = Promise.withResolvers<Socket>();
  const { port } = await tcpServer((far) => accepted.resolve(far.pause()));
  const address = allocate(calls, LARGEST_SOCKADDR);
  writeSocketAddress(calls, address.bytes, { address: '127.0.0.1', port });
  const fd = calls.socket(AF_INET, SOCK_STREAM, 0);
  expect(calls.connect(fd, address.pointer, sizeOfSocketAddress(address.bytes))).toBe(0);
  const far = await accepted.promise;
  return { fd, read: () => far };
}

/** An output that writes its own lines about gaps; with the gaps. */
function outputTo(fd: number) {
  const gaps: Gap[] = [];
  const output = new LineOutput(fd);
  output.onGap = (gap) => {
    gaps.push(gap);
    output.write(`gap of ${gap.lines}\n`);
  };
  return { output, gaps };
}

/** Writes numbered lines until so many have been dropped; how many there were. */
function overfill(output: LineOutput, dropped: number): number {
  let count = 0;
  while (output.dropped < dropped) output.write(`${count++} ${'x'.repeat(1_000)}\n`);
  return count;
}

/** Reads lines until one of them comes. */
async function linesUntil(reader: Socket, last: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: reader })) {
    lines.push(line.split(' xxx')[0] ?? '');
    if (line === last) return lines;
  }
  throw new Error(`${lines.length} lines ended without '${last}'`);
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));

test.each([
  ['pipe', pipe],
  ['socket', socket],
])(
  'LineOutput keeps a bounded queue for a %s that nobody reads, then reports the gap in its place',
  async (_kind, open) => {
    const { fd, read } = await open();
    const { output, gaps } = outputTo(fd);
    const count = overfill(output, 7);
    output.write('would fit, but not in order\n');
    expect(gaps).toEqual([]);
    const reading = linesUntil(read(), 'after');
    await output.finish(20_000);
    output.write('after\n');
    await output.finish(20_000);
    expect(await reading).toEqual([...numbers(count - 7), 'gap of 8', 'after']);
    expect(gaps).toMatchObject([{ lines: 8, err: { code: 'EAGAIN' } }]);
    expect(output.dropped).toBe(8);
  },
);

test('LineOutput goes on by itself when a pipe is read again', async () => {
  const { fd, read } = await pipe();
  const { output } = outputTo(fd);
  const count = overfill(output, 1);
  expect(await linesUntil(read(), 'gap of 1')).toEqual([...numbers(count - 1), 'gap of 1']);
});

test('LineOutput leaves the descriptor blocking for others who share the pipe', async () => {
  const { fd } = await pipe();
  overfill(outputTo(fd).output, 1);
  const [, flags = ''] = /flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? [];
  expect(Number.parseInt(flags, 8) & O_NONBLOCK).toBe(0);
});

test('LineOutput drops and counts lines for a full disk, and finish() does not wait for ever', async () => {
  const fd = openSync('/dev/full', 'w');
  onTestFinished(() => closeSync(fd));
  const { output, gaps } = outputTo(fd);
  overfill(output, 3);
  await output.finish(50);
  expect([output.dropped, gaps]).toEqual([3, []]);
});

test('finish() resolves at once when all is written', async () => {
  const { fd, read } = await pipe();
  const { output } = outputTo(fd);
  output.write('only\n');
  await output.finish(Infinity);
  expect(await linesUntil(read(), 'only')).toEqual(['only']);
});
