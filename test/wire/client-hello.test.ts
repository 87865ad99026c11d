import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type ConnectionOptions } from 'node:tls';

import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';

import { type ClientHello, ClientHelloReader } from '../../src/wire/client-hello.ts';
import { Refusal } from '../../src/wire/refusal.ts';
import { clientHello, extension, records, serverName, vector } from '../helpers/client-hello.ts';
import { tcpServer } from '../helpers/sockets.ts';

/** What the reader makes of pieces: the hello, null for not enough, or the rule that it broke. */
function read(pieces: readonly Buffer[], reader = new ClientHelloReader()): ClientHello | null | string {
  try {
    for (const piece of pieces) {
      const hello = reader.push(piece);
      if (hello !== null) return hello;
    }
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error.rule;
    throw error;
  }
}

/** Recorded, as test/fixtures/hellos/README.md tells. */
const CHROMIUM = Buffer.from(
  readFileSync(join(import.meta.dirname, '../fixtures/hellos/chromium-156.hex'), 'latin1').replaceAll(
    '\n',
    '',
  ),
  'hex',
);

const bytesOf = (buffer: Buffer) => Array.from(buffer, (_, i) => buffer.subarray(i, i + 1));
const ech = (type: number) => extension(0xfe0d, Buffer.of(type, 0, 1));

test('push() reads the name, whatever comes beside it', () => {
  const hello = clientHello({
    extensions: [extension(16, Buffer.alloc(5)), extension(0x0a0a, Buffer.alloc(0))],
  });
  expect(read([hello])).toEqual({ name: 'api.test', hasOuterEch: false, length: hello.length });
});

test('push() reads the hello alone when something comes behind it', () => {
  const hello = clientHello();
  expect(
    read([Buffer.concat([hello, records(20, Buffer.of(1)), records(23, Buffer.alloc(9))])]),
  ).toMatchObject({
    name: 'api.test',
    length: hello.length,
  });
});

test.each([
  ['API.Test', 'API.Test'],
  ['api.test.', 'api.test.'],
  ['api\0.test', 'api\0.test'],
  ['\xe9.test', '\xe9.test'],
])('push() leaves the name %j as it is', (sent, name) => {
  expect(read([clientHello({ names: [sent] })])).toMatchObject({ name });
});

test('push() tells whether the hello hides another', () => {
  expect(read([clientHello({ extensions: [ech(0)] })])).toMatchObject({ hasOuterEch: true });
  expect(read([clientHello({ extensions: [ech(1)] })])).toMatchObject({ hasOuterEch: false });
  expect(read([clientHello({ extensions: [ech(1), ech(0)] })])).toMatchObject({ hasOuterEch: true });
  expect(read([clientHello({ extensions: [extension(0xfe0d, Buffer.alloc(0))] })])).toMatchObject({
    hasOuterEch: false,
  });
});

const HEAD = Buffer.concat([
  Buffer.of(3, 3),
  Buffer.alloc(32),
  vector(1),
  vector(2, Buffer.of(19, 1)),
  vector(1, Buffer.of(0)),
]);
/** A hello of these parts. */
const hello = (...parts: Buffer[]) => records(22, Buffer.concat([Buffer.of(1), vector(3, ...parts)]));
const NAME = serverName('api.test');

test.each<[string, Buffer, string]>([
  ['no extensions', hello(HEAD), 'no name'],
  ['empty extensions', hello(HEAD, vector(2)), 'no name'],
  ['no server_name', hello(HEAD, vector(2, extension(16, Buffer.alloc(3)))), 'no name'],
  ['two names', clientHello({ names: ['api.test', 'evil.test'] }), 'several names'],
  ['the same name twice', clientHello({ names: ['api.test', 'api.test'] }), 'several names'],
  ['two server_names', clientHello({ extensions: [serverName('evil.test')] }), 'several names'],
  ['two server_names of the same name', clientHello({ extensions: [NAME] }), 'several names'],
  ['an empty name', clientHello({ names: [''] }), 'malformed'],
  ['an empty list of names', hello(HEAD, vector(2, extension(0, vector(2)))), 'malformed'],
  ['an empty server_name', hello(HEAD, vector(2, extension(0, Buffer.alloc(0)))), 'malformed'],
  [
    'a name of another type',
    hello(HEAD, vector(2, extension(0, vector(2, Buffer.of(1), vector(2, Buffer.from('api.test')))))),
    'malformed',
  ],
  [
    'a name beyond its list',
    hello(HEAD, vector(2, extension(0, vector(2, Buffer.of(0, 0, 9), Buffer.from('api.test'))))),
    'malformed',
  ],
  [
    'a name of another type beside the right one',
    hello(HEAD, vector(2, extension(0, vector(2, NAME.subarray(6), Buffer.of(1, 0, 1, 97))))),
    'malformed',
  ],
  [
    'something behind the names',
    hello(HEAD, vector(2, extension(0, Buffer.concat([NAME.subarray(4), Buffer.of(0)])))),
    'malformed',
  ],
  ['something behind the extensions', hello(HEAD, vector(2, NAME), Buffer.of(0)), 'malformed'],
  ['extensions beyond the end', hello(HEAD, Buffer.of(0, 99), NAME), 'malformed'],
  ['half an extension', hello(HEAD, vector(2, NAME, Buffer.of(0, 16, 0))), 'malformed'],
  ['something behind the hello in its record', clientHello({ trailer: Buffer.of(1) }), 'malformed'],
  [
    'half a cipher suite',
    hello(HEAD.subarray(0, 35), vector(2, Buffer.alloc(3)), vector(1, Buffer.of(0)), vector(2, NAME)),
    'malformed',
  ],
  [
    'no cipher suite',
    hello(HEAD.subarray(0, 35), vector(2), vector(1, Buffer.of(0)), vector(2, NAME)),
    'malformed',
  ],
  ['no compression method', hello(HEAD.subarray(0, 39), vector(1), vector(2, NAME)), 'malformed'],
  [
    'a long session id',
    hello(HEAD.subarray(0, 34), vector(1, Buffer.alloc(33)), HEAD.subarray(35), vector(2, NAME)),
    'malformed',
  ],
  ['another message', records(22, Buffer.of(2)), 'malformed'],
  ['an alert', records(21, Buffer.of(2, 40)), 'malformed'],
  ['an alert within', Buffer.concat([records(22, Buffer.of(1, 0, 0, 200)), Buffer.of(21)]), 'malformed'],
  ['change_cipher_spec', Buffer.concat([records(20, Buffer.of(1)), clientHello()]), 'malformed'],
  ['another version', Buffer.of(22, 2), 'malformed'],
  ['an empty record', Buffer.of(22, 3, 1, 0, 0), 'malformed'],
  ['a record that is too long', Buffer.of(22, 3, 1, 0x40, 1), 'malformed'],
  ['HTTP', Buffer.from('G'), 'malformed'],
  ['a hello that says it is too long', records(22, Buffer.of(1, 1, 0, 0)), 'too long'],
])('push() refuses %s', (_what, bytes, rule) => {
  expect(read([bytes])).toBe(rule);
  expect(read(bytesOf(bytes))).toBe(rule);
});

test.each([
  ['in the largest records', 16_384],
  ['in records of one byte', 1],
  ['in records of one byte and then a large one', [...Array.from({ length: 5_000 }, () => 1), 16_384]],
])('push() takes hellos up to 64 KiB, record headers included, byte for byte, %s', (_what, recordSize) => {
  const padded = (size: number) =>
    clientHello({ extensions: [extension(21, Buffer.alloc(size))], recordSize });
  let size = 0;
  for (let step = 32_768; step >= 1; step /= 2)
    if (size + step < 65_500 && padded(size + step).length <= 65_536) size += step;
  const [longest, tooLong] = [padded(size), padded(size + 1)];
  expect(longest.length).toBeGreaterThan(65_530);
  expect(read(bytesOf(longest))).toEqual({ name: 'api.test', hasOuterEch: false, length: longest.length });
  expect(tooLong.length).toBeGreaterThan(65_536);
  expect(read(bytesOf(tooLong))).toBe('too long');
});

test('push() refuses what goes on for too long without saying how long it is', () => {
  const skipped = Buffer.concat(Array.from({ length: 11_000 }, () => records(20, Buffer.of(1))));
  expect(read([skipped.subarray(0, 65_535)], new ClientHelloReader({ afterRetry: true }))).toBe(null);
  expect(read(bytesOf(skipped), new ClientHelloReader({ afterRetry: true }))).toBe('too long');
});

test('push() needs no more than a header to see that something follows the hello', () => {
  const message = Buffer.concat([Buffer.of(1), vector(3, HEAD, vector(2, NAME))]);
  const header = Buffer.of(22, 3, 1, 0, message.length + 1);
  expect(read([Buffer.concat([header, message])])).toBe('malformed');
});

test.each([
  ['change_cipher_spec', records(20, Buffer.of(1))],
  ['early data', records(23, Buffer.alloc(30_000))],
  ['early data in a record of full size', records(23, Buffer.alloc(2 ** 14 + 256), 2 ** 14 + 256)],
])('push() skips %s after a HelloRetryRequest, and only there', (_what, skipped) => {
  const after = () => new ClientHelloReader({ afterRetry: true });
  const second = Buffer.concat([skipped, clientHello()]);
  expect(read(bytesOf(second), after())).toMatchObject({ name: 'api.test', length: second.length });
  expect(read(bytesOf(second))).toBe('malformed');
});

test.each([
  ['an alert', records(21, Buffer.of(2, 0))],
  ['a record beyond full size', records(23, Buffer.alloc(2 ** 14 + 257), 2 ** 14 + 257)],
  [
    'two bytes of a hello, and change_cipher_spec',
    Buffer.concat([records(22, Buffer.of(1, 0)), records(20, Buffer.of(1)), clientHello()]),
  ],
])('push() does not skip %s after a HelloRetryRequest', (_what, bytes) => {
  expect(read(bytesOf(bytes), new ClientHelloReader({ afterRetry: true }))).toBe('malformed');
});

/** A hello of one name, and what is to be read in it. */
const anyHello = fc
  .record({
    name: fc
      .uint8Array({ minLength: 1, maxLength: 255 })
      .map((bytes) => Buffer.from(bytes).toString('latin1')),
    echType: fc.constantFrom(null, 0, 1),
    padding: fc.nat(3_000),
    isNameLast: fc.boolean(),
    recordSize: fc.array(fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 4_000 })), {
      minLength: 1,
      maxLength: 8,
    }),
  })
  .map(({ name, echType, padding, isNameLast, recordSize }) => {
    const others = [extension(21, Buffer.alloc(padding)), ...(echType === null ? [] : [ech(echType)])];
    const bytes = isNameLast
      ? clientHello({ names: [], extensions: [...others, serverName(name)], recordSize })
      : clientHello({ names: [name], extensions: others, recordSize });
    return { bytes, expected: { name, hasOuterEch: echType === 0, length: bytes.length } };
  });

/** Bytes in pieces, cut wherever. */
function cutAt(bytes: Buffer, where: readonly number[]): readonly Buffer[] {
  const at = [0, ...where.map((cut) => cut % bytes.length).toSorted((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

const cuts = fc.array(fc.nat(30_000), { maxLength: 30 });

test('push() reads the same however a hello is cut', () => {
  fc.assert(
    fc.property(anyHello, cuts, ({ bytes, expected }, where) => {
      expect(read(cutAt(bytes, where))).toEqual(expected);
      expect(read(bytesOf(bytes))).toEqual(expected);
    }),
  );
});

test('push() wants more of every beginning of a hello', () => {
  const bytes = clientHello({ extensions: [ech(0)], recordSize: 40 });
  for (let end = 0; end < bytes.length; end++) expect(read([bytes.subarray(0, end)])).toBe(null);
  fc.assert(
    fc.property(anyHello, cuts, fc.nat(), (any, where, end) => {
      expect(read(cutAt(any.bytes, where).slice(0, -1))).toBe(null);
      expect(read([any.bytes.subarray(0, end % any.bytes.length)])).toBe(null);
    }),
  );
});

test('push() reads another name where the name has been changed, and no other name elsewhere', () => {
  const bytes = clientHello({ extensions: [ech(0)], recordSize: 100 });
  const start = bytes.indexOf('api.test');
  const names = { changed: new Set<string>(), unchanged: new Set<string>() };
  for (let at = 0; at < bytes.length; at++) {
    const where = at >= start && at < start + 'api.test'.length ? names.changed : names.unchanged;
    for (let value = 0; value < 256; value++) {
      const outcome = value === bytes[at] ? null : read([Buffer.from(bytes.with(at, value))]);
      if (outcome !== null && typeof outcome === 'object') where.add(outcome.name);
    }
  }
  expect(names.changed.size).toBe(8 * 255);
  expect(names.changed).not.toContain('api.test');
  expect([...names.unchanged]).toEqual(['api.test']);
});

test("push() reads Chromium's hello, and no other name when a byte beside the name is changed", () => {
  const { length } = CHROMIUM;
  expect(read(bytesOf(CHROMIUM))).toEqual({ name: 'api.test', hasOuterEch: true, length });
  const start = CHROMIUM.indexOf('api.test');
  const names = new Set<string>();
  for (let at = 0; at < length; at++) {
    if (at >= start && at < start + 'api.test'.length) continue;
    const byte = CHROMIUM[at] ?? 0;
    for (const value of [0, 1, 255, byte ^ 1, byte ^ 128, (byte + 1) & 255, (byte - 1) & 255]) {
      const outcome = read([Buffer.from(CHROMIUM.with(at, value))]);
      if (outcome !== null && typeof outcome === 'object') names.add(outcome.name);
    }
  }
  expect([...names]).toEqual(['api.test']);
});

test('push() throws nothing but a Refusal', () => {
  const garbage = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  const almost = fc
    .tuple(anyHello, fc.array(fc.tuple(fc.nat(5_000), fc.nat(255)), { minLength: 1, maxLength: 5 }))
    .map(([{ bytes }, changes]) => {
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(garbage, almost), (bytes) => {
      expect(['string', 'object']).toContain(typeof read([bytes]));
    }),
    { numRuns: 2_000 },
  );
});

/** The first bytes that a client sends to a port of ours. */
async function firstBytes(call: (port: number) => void, enough: (bytes: Buffer) => boolean): Promise<Buffer> {
  const recorded = Promise.withResolvers<Buffer>();
  const { port } = await tcpServer((socket) => {
    let seen = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      if (enough(seen)) recorded.resolve(seen);
    });
  });
  call(port);
  return recorded.promise;
}

const isWhole = (bytes: Buffer) => typeof read([bytes]) === 'object' && read([bytes]) !== null;

test.each<[string, ConnectionOptions, number]>([
  ['TLS 1.2', { maxVersion: 'TLSv1.2' }, 100],
  ['TLS 1.3', { ecdhCurve: 'X25519' }, 100],
  ['X25519MLKEM768', { ecdhCurve: 'X25519MLKEM768' }, 1_300],
])("push() reads Node's hello with %s", async (_what, options, least) => {
  const bytes = await firstBytes((port) => {
    const socket = connect({ ...options, port, host: '127.0.0.1', servername: 'api.test' }).on(
      'error',
      () => {},
    );
    onTestFinished(() => void socket.destroy());
  }, isWhole);
  expect(bytes.length).toBeGreaterThan(least);
  expect(read(bytesOf(bytes))).toEqual({ name: 'api.test', hasOuterEch: false, length: bytes.length });
});

test.skipIf(!existsSync('/usr/bin/openssl')).each<[string, readonly string[], ClientHello['name'] | null]>([
  ['with a name', ['-servername', 'api.test'], 'api.test'],
  ['with a name, of TLS 1.2', ['-servername', 'API.test', '-tls1_2'], 'API.test'],
  ['without a name', ['-noservername'], null],
])("push() reads OpenSSL's hello %s", async (_what, options, name) => {
  const isOver = (bytes: Buffer) => read([bytes]) !== null;
  const bytes = await firstBytes((port) => {
    const args = ['s_client', '-connect', `127.0.0.1:${port}`, ...options];
    const client = spawn('/usr/bin/openssl', args, { stdio: 'ignore' });
    onTestFinished(() => void client.kill());
  }, isOver);
  const { length } = bytes;
  expect(read(bytesOf(bytes))).toEqual(name === null ? 'no name' : { name, hasOuterEch: false, length });
});
