import { randomBytes, randomInt } from 'node:crypto';

import * as dnsPacket from 'dns-packet';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { createResolver } from '../../src/dns/resolver.ts';
import { countObjects } from '../helpers/count-objects.ts';
import { a, cname, plainNameserver, reply, scriptedServer } from '../helpers/dns.ts';

const { signal } = new AbortController();

test('resolver survives whatever bytes a server answers with', { timeout: 60_000 }, async () => {
  let bytes: readonly Buffer[] = [];
  const server = await scriptedServer((query) => {
    const honest = dnsPacket.encode(
      reply(query, { answers: [cname('api.test', 'b.test'), a('b.test', '192.0.2.1')] }),
    );
    return bytes.map((noise) => Buffer.concat([honest.subarray(0, honest.length - noise.length), noise]));
  });
  const resolver = createResolver([plainNameserver(server)]);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 48 }), async (noise) => {
      bytes = [Buffer.from(noise)];
      const outcome = await resolver('api.test', ['A'], AbortSignal.timeout(30)).then(
        ({ records }) => records,
        (error: unknown) => error,
      );
      expect(outcome instanceof Error || Array.isArray(outcome)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test('resolver does not grow with the garbage that it is answered', { timeout: 60_000 }, async () => {
  const QUESTIONS = 1_000;
  const server = await scriptedServer((query) => {
    const noise = randomBytes(randomInt(1, 4_000));
    const honest = dnsPacket.encode(reply(query, {})).subarray(0, randomInt(12, 30));
    const message = Buffer.concat([honest, noise]);
    const length = Buffer.from([message.length >> 8, message.length & 255]);
    return [Buffer.concat([length, message])];
  });
  const resolver = createResolver([plainNameserver(server, 'tcp')]);
  const askMany = async (times: number) => {
    for (let i = 0; i < times; i++) {
      const outcome = await resolver('api.test', ['A'], signal).catch((error: unknown) => error);
      expect(outcome).toBeInstanceOf(Error);
      server.queries.length = 0;
    }
  };
  await askMany(300);
  const before = countObjects();
  await askMany(QUESTIONS);
  // Some connections may still be closing.
  await expect.poll(() => countObjects() - before).toBeLessThan(QUESTIONS / 10);
});
