import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';

import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';

import { ClientHelloReader } from '../../src/wire/client-hello.ts';
import { HelloRetryReader } from '../../src/wire/hello-retry.ts';
import { extension, records, vector } from '../helpers/client-hello.ts';
import { tcpServer } from '../helpers/sockets.ts';

/** RFC 8446 §4.1.3. */
const RETRY_RANDOM = createHash('sha256').update('HelloRetryRequest').digest();

interface Options {
  readonly type?: number;
  readonly recordSize?: number | readonly number[];
  readonly trailer?: Buffer;
}

function serverHello(random: Buffer, { type = 2, recordSize, trailer }: Options = {}): Buffer {
  const body = [Buffer.of(3, 3), random, vector(1, Buffer.alloc(32)), Buffer.of(19, 1, 0)];
  const extensions = vector(2, extension(43, Buffer.of(3, 4)), extension(51, Buffer.of(0, 24)));
  const message = [Buffer.of(type), vector(3, ...body, extensions), trailer ?? Buffer.alloc(0)];
  return records(22, Buffer.concat(message), recordSize);
}

/** What the reader makes of pieces. */
function read(pieces: readonly Buffer[]): boolean | null {
  const reader = new HelloRetryReader();
  for (const piece of pieces) {
    const verdict = reader.push(piece);
    if (verdict !== null) return verdict;
  }
  return null;
}

const bytesOf = (buffer: Buffer) => Array.from(buffer, (_, i) => buffer.subarray(i, i + 1));

test.each<[string, Buffer, boolean]>([
  ['a HelloRetryRequest', serverHello(RETRY_RANDOM), true],
  ['a HelloRetryRequest in records of one byte', serverHello(RETRY_RANDOM, { recordSize: 1 }), true],
  [
    'a HelloRetryRequest and change_cipher_spec',
    Buffer.concat([serverHello(RETRY_RANDOM), records(20, Buffer.of(1))]),
    true,
  ],
  ['a ServerHello', serverHello(Buffer.alloc(32, 7)), false],
  [
    'a ServerHello and a certificate in one record',
    serverHello(Buffer.alloc(32, 7), { trailer: Buffer.of(11, 0, 0, 200) }),
    false,
  ],
  ['a random that differs at its start', serverHello(Buffer.from(RETRY_RANDOM.with(0, 0xce))), false],
  ['a random that differs at its end', serverHello(Buffer.from(RETRY_RANDOM.with(31, 0x9d))), false],
  ['another message with that random', serverHello(RETRY_RANDOM, { type: 1 }), false],
  ['a ServerHello that ends within the random', records(22, Buffer.of(2, 0, 0, 4, 3, 3, 0xcf, 0x21)), false],
  ['an empty ServerHello', records(22, Buffer.of(2, 0, 0, 0)), false],
  ['a ServerHello that is too long', records(22, Buffer.of(2, 1, 0, 0)), false],
  ['an alert', Buffer.of(21), false],
  ['another version', Buffer.of(22, 2), false],
  ['SSH', Buffer.from('S'), false],
])('push() judges %s', (_what, bytes, verdict) => {
  expect(read([bytes])).toBe(verdict);
  expect(read(bytesOf(bytes))).toBe(verdict);
});

test('push() wants more of every beginning, and judges the same however it is cut', () => {
  const randoms = fc.constantFrom(RETRY_RANDOM, randomBytes(32));
  const sizes = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(randoms, sizes, fc.nat(), (random, recordSize, cut) => {
      const bytes = serverHello(random, { recordSize });
      const start = bytes.subarray(0, cut % bytes.length);
      expect(read(bytesOf(start))).toBe(null);
      expect(read([start])).toBe(null);
      expect(read([start, bytes.subarray(start.length)])).toBe(random === RETRY_RANDOM);
    }),
  );
});

test('push() takes garbage for no request, and throws nothing', () => {
  const garbage = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const almost = garbage.map((bytes) => Buffer.concat([Buffer.of(22, 3, 3, 0, 80, 2), bytes]));
  fc.assert(
    fc.property(fc.oneof(garbage, almost), (bytes) => {
      expect(read([bytes])).not.toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

const TLS = join(import.meta.dirname, '../fixtures/tls');
const identity = () => ({
  key: readFileSync(join(TLS, 'api.key')),
  cert: readFileSync(join(TLS, 'api.pem')),
});

/** What Node's client and Node's server say to each other: each side's chunks. */
async function conversation(clientGroups: string, serverGroups: string) {
  const said = { client: [] as Buffer[], server: [] as Buffer[] };
  const server = createServer({ ...identity(), ecdhCurve: serverGroups }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = await tcpServer((socket) => {
    const upstream = connectTcp((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
    socket.on('data', (chunk: Buffer) => said.client.push(chunk)).pipe(upstream);
    upstream.on('data', (chunk: Buffer) => said.server.push(chunk)).pipe(socket);
    socket.on('close', () => upstream.destroy());
  });
  const ca = readFileSync(join(TLS, 'ca.pem'));
  const client = connect({ port, host: '127.0.0.1', servername: 'api.test', ca, ecdhCurve: clientGroups });
  onTestFinished(() => void client.destroy());
  await once(client, 'secureConnect');
  return { client: Buffer.concat(said.client), server: Buffer.concat(said.server) };
}

test('push() tells whether a real server asks for another hello, which is then read behind change_cipher_spec', async () => {
  const plain = await conversation('X25519', 'X25519');
  expect(read(bytesOf(plain.server))).toBe(false);

  const retried = await conversation('X25519:P-384', 'P-384');
  expect(read(bytesOf(retried.server))).toBe(true);
  const first = new ClientHelloReader().push(retried.client);
  const rest = retried.client.subarray(first?.length);
  expect(rest[0]).toBe(20);
  expect(new ClientHelloReader({ afterRetry: true }).push(rest)).toMatchObject({ name: 'api.test' });
});
