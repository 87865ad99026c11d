import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';

import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';

import { parseConfig, type PortConfig } from '../../../src/config/config.ts';
import { indexNames } from '../../../src/config/name-index.ts';
import { Routes } from '../../../src/door/routes.ts';
import { NameTable } from '../../../src/relay/name-table.ts';
import type { Relay } from '../../../src/relay/relay.ts';
import { createNameCheck } from '../../../src/relay/serve/enforce-names.ts';
import type { Serve } from '../../../src/relay/tcp/listen.ts';
import { startLaxFrontEnd } from '../../helpers/lax-front-end.ts';
import { countReads, localTarget, servingRelay } from '../../helpers/relay.ts';
import { tcpServer } from '../../helpers/sockets.ts';

/** How long a client may take to name somebody, and what a busy machine adds to it, and a clock that is looked at once a second, in ms. */
const NAME_TIMEOUT = 5_000;
const LATENESS = 4_000;
/** Fatal alerts (RFC 8446 §6): the relay's, and the target's, which agrees on no protocol. */
const UNRECOGNIZED_NAME = '\x15\x03\x03\x00\x02\x02\x70';
const NO_APPLICATION_PROTOCOL = '\x15\x03\x03\x00\x02\x02\x78';

const LISTED = indexNames([{ names: ['api.test'] }]);

/** A relay with a check of a port where api.test is, and bad.test is not: that has another one. */
async function checking(port: number): Promise<Relay> {
  const check = createNameCheck();
  const { listeners } = parseConfig({
    TARGET: `api.test:443:${port} bad.test:8443:${port}`,
    NAME_CHECK: 'enforce',
  });
  const { choose } = new Routes(
    listeners[0] as PortConfig,
    (host, to) => ({ ...localTarget(to), host }),
    new NameTable(() => {}),
  );
  const serve: Serve = (connection) => {
    reads.set(connection.from, countReads(connection));
    return check(connection, { choose, refuseEch: false });
  };
  return servingRelay(serve, { maxConnections: Infinity });
}

/** A target, and for whom it was asked. */
interface Target {
  readonly relay: Relay;
  /** What a client says to it: for api.test, and for bad.test. */
  readonly good: Buffer;
  readonly bad: Buffer;
  /** How much of `good` it takes to name api.test, in bytes. */
  readonly headLength: number;
  /** The start of the answer to `good`, and of the refusal of `bad`. */
  readonly answer: RegExp;
  readonly refusal: RegExp;
  /** How whatever the target says begins. */
  readonly spoken: RegExp;
  /** Each name, as the target itself has read it. */
  readonly names: () => readonly string[];
}

/** OpenSSL's, and a hello that it understands. */
async function tlsTarget(): Promise<Target> {
  const names: string[] = [];
  const TLS = join(import.meta.dirname, '../../fixtures/tls');
  const server = createTlsServer({
    key: readFileSync(join(TLS, 'api.key')),
    cert: readFileSync(join(TLS, 'api.pem')),
    SNICallback: (name, done) => {
      names.push(name);
      done(null);
    },
    // Called for a hello without server_name as well.
    ALPNCallback: ({ servername }) => {
      names.push(servername || 'nobody');
      return undefined;
    },
  });
  server.on('tlsClientError', (_err, socket: TLSSocket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const good = await recordHello('api.test', 'bad.test');
  return {
    relay: await checking((server.address() as AddressInfo).port),
    good,
    bad: await recordHello('bad.test', 'api.test'),
    headLength: good.length,
    answer: new RegExp(`^${NO_APPLICATION_PROTOCOL}$`),
    refusal: new RegExp(`^${UNRECOGNIZED_NAME}$`),
    spoken: new RegExp(`^${NO_APPLICATION_PROTOCOL}`),
    names: () => names,
  };
}

/** Node's hello to a name, which has another one in it as well: that of a protocol. */
async function recordHello(servername: string, protocol: string): Promise<Buffer> {
  const recorded = Promise.withResolvers<Buffer>();
  const { port } = await tcpServer((socket) => socket.once('data', recorded.resolve));
  const options = { servername, ALPNProtocols: [protocol], ecdhCurve: 'X25519:P-256' };
  const client = connectTls({ ...options, port, host: '127.0.0.1' }).on('error', () => {});
  onTestFinished(() => void client.destroy());
  return recorded.promise;
}

/** One that takes all HTTP it can make sense of; and a request with another in its content. */
async function httpTarget(): Promise<Target> {
  const { httpPort, requests } = await startLaxFrontEnd();
  const hidden = 'GET /x HTTP/1.1\r\nHost: bad.test\r\n\r\n';
  const head = 'GET /b HTTP/1.1\r\nHost: API.TEST:80\r\nX-Host: bad.test\r\n\r\n';
  const post = `POST /a HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\nContent-Length: ${hidden.length}\r\n\r\n`;
  return {
    relay: await checking(httpPort),
    good: Buffer.from(`${head}${post}${hidden}`),
    bad: Buffer.from('GET /x HTTP/1.1\r\nHost: bad.test\r\nX-Host: api.test\r\n\r\n'),
    headLength: head.length,
    answer: /^HTTP\/1\.1 200 [^]*HTTP\/1\.1 200 /,
    refusal: /^HTTP\/1\.1 403 [^]*bad\.test is not in TARGET\n$/,
    spoken: /^HTTP\/1\.1 200 /,
    names: () => requests.map(({ host }) => host.replace(/:\d*$/, '')),
  };
}

const TARGETS = { TLS: tlsTarget, HTTP: httpTarget };
const each = Object.entries(TARGETS);

/** How much the relay has read of each client, by what it is logged with. */
const reads = new Map<string, () => number>();

function bytesRead({ localPort }: Socket): number {
  return reads.get(`127.0.0.1:${localPort}`)?.() ?? 0;
}

/** How often the relay is looked at before the next piece: it may not want to read any further. */
const PATIENCE = 20;

/** All that comes back for bytes, said piece by piece, to a client that leaves with its last word, or with the first answer. */
async function say(
  { port }: Relay,
  pieces: readonly Buffer[],
  { leaves }: { readonly leaves: 'last' | 'answered' | 'never' },
): Promise<{ readonly heard: string; readonly ms: number }> {
  const startedAt = performance.now();
  const client = connectTcp({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  let heard = '';
  client.setEncoding('latin1').on('data', (text: string) => {
    heard += text;
    if (leaves === 'answered') client.destroy();
  });
  client.on('end', () => client.end());
  client.on('error', () => {}); // a reset is an answer, too
  const closed = new Promise((resolve) => client.once('close', resolve));
  await once(client, 'connect');

  const last = pieces.at(-1) ?? Buffer.alloc(0);
  for (const piece of pieces.slice(0, -1)) {
    client.write(piece);
    for (let i = 0; i < PATIENCE && bytesRead(client) < client.bytesWritten; i++) await turn();
  }
  client.write(last);
  if (leaves === 'last') client.end();
  await closed;
  return { heard, ms: performance.now() - startedAt };
}

/** That all clients are gone, and that the target was asked for api.test alone. */
async function expectPeace({ relay, names }: Target): Promise<void> {
  await expect.poll(() => [relay.live, relay.waiting]).toEqual([0, 0]);
  expect(names().filter((name) => LISTED.find(name) === null)).toEqual([]);
}

const indexes = (bytes: Buffer) => Array.from(bytes.keys());

test.each(each)('%s cut at every byte is understood the same', async (_what, start) => {
  const target = await start();
  const { relay, good, bad, answer, refusal, names } = target;
  const sayCut = async (bytes: Buffer, at: number) =>
    (await say(relay, [bytes.subarray(0, at), bytes.subarray(at)], { leaves: 'never' })).heard;
  for (const at of indexes(bad)) expect(await sayCut(bad, at)).toMatch(refusal);
  expect(names()).toEqual([]);
  for (const at of indexes(good)) expect(await sayCut(good, at)).toMatch(answer);
  expect(names().length).toBeGreaterThanOrEqual(good.length);
  await expectPeace(target);
});

/** Ends before every byte of what names the target, and says nothing more. */
async function endEverywhere({ relay, good, headLength }: Target): Promise<void> {
  const talks = indexes(good.subarray(0, headLength)).map((end) =>
    say(relay, [good.subarray(0, end)], { leaves: 'never' }),
  );
  const times = (await Promise.all(talks)).map(({ ms }) => ms);
  expect(Math.min(...times)).toBeGreaterThan(NAME_TIMEOUT - 100);
  expect(Math.max(...times)).toBeLessThan(NAME_TIMEOUT + LATENESS);
}

/** Changes every byte, one at a time. */
async function corruptEverywhere({ relay, good, bad, spoken }: Target, masks: Uint8Array): Promise<void> {
  const sayCorrupted = (bytes: Buffer) =>
    Promise.all(
      indexes(bytes).map((at) => {
        const corrupted = Buffer.from(bytes.with(at, (bytes[at] ?? 0) ^ (masks[at % masks.length] ?? 1)));
        return say(relay, [corrupted], { leaves: 'answered' });
      }),
    );
  const [answered, refused] = await Promise.all([sayCorrupted(good), sayCorrupted(bad)]);
  const times = [...answered, ...refused].map(({ ms }) => ms);
  expect(Math.max(...times)).toBeLessThan(NAME_TIMEOUT + LATENESS);
  expect(answered.some(({ heard }) => spoken.test(heard))).toBe(true);
  expect(refused.filter(({ heard }) => spoken.test(heard))).toEqual([]);
}

test('what ends at any byte, or is corrupted there, and is left open, is closed within 5 s, and heard for no other name', async () => {
  const targets = await Promise.all(each.map(([, start]) => start()));
  const masks = fc.uint8Array({ min: 1, minLength: 500, maxLength: 500 });
  await fc.assert(
    fc.asyncProperty(masks, async (some) => {
      await Promise.all(
        targets.flatMap((target) => [endEverywhere(target), corruptEverywhere(target, some)]),
      );
      await Promise.all(targets.map(expectPeace));
    }),
    // As long as it takes, a second run would tell little.
    { numRuns: 1, endOnFailure: true },
  );
});

type Edit = (bytes: Buffer) => Buffer;
/** Puts bytes in the place of some others, which may be none. */
const replace = (where: number, { count, by }: { readonly count: number; readonly by: Uint8Array }): Edit => {
  return (bytes) => {
    const at = where % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + count)]);
  };
};
const TELLING = ['\r\n', '\n', '\r', ' ', '\t', ':', '\0', '0', 'bad.test', 'api.test', 'Host: bad.test\r\n'];
/** An edit in any place, but more often than not about the name. */
function anyEdit(name: number): fc.Arbitrary<Edit> {
  const place = fc.oneof(fc.nat(1_000), fc.integer({ min: name - 10, max: name + 10 }));
  const by = fc.uint8Array({ minLength: 1, maxLength: 4 });
  return fc.oneof(
    // All lengths stay true.
    fc.tuple(place, by).map(([where, some]) => replace(where, { count: some.length, by: some })),
    fc.tuple(place, fc.nat(12), by).map(([where, count, some]) => replace(where, { count, by: some })),
    fc
      .tuple(place, fc.constantFrom(...TELLING))
      .map(([where, text]) => replace(where, { count: 0, by: Buffer.from(text) })),
    // What is there once is there twice.
    fc.tuple(place, place, fc.nat(60)).map(([from, to, count]): Edit => (bytes) => {
      const at = from % bytes.length;
      return replace(to, { count: 0, by: bytes.subarray(at, at + count) })(bytes);
    }),
  );
}

test.each(each)(
  '%s with a few edits, in any pieces, is heard for no other name, and ends with its last byte',
  async (_what, start) => {
    const target = await start();
    const { relay, good, bad } = target;
    const anyStream = fc.array(fc.constantFrom(good, bad), { minLength: 1, maxLength: 2 });
    const edits = fc.array(anyEdit(good.indexOf('api.test')), { maxLength: 4 });
    const anyCuts = fc.array(fc.nat(1_000), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(anyStream, edits, anyCuts, async (parts, some, cuts) => {
        const bytes = some.reduce((all: Buffer, edit) => edit(all), Buffer.concat(parts));
        const where = cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b);
        const pieces = [...where, bytes.length].map((end, i) => bytes.subarray(where[i - 1] ?? 0, end));
        const { ms } = await say(relay, pieces, { leaves: 'last' });
        expect(ms).toBeLessThan(LATENESS);
        await expectPeace(target);
      }),
      { numRuns: 10_000, interruptAfterTimeLimit: 2_000 },
    );
  },
);
