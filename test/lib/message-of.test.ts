import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';

import { expect, onTestFinished, test } from 'vitest';

import { messageOf } from '../../src/lib/message-of.ts';

test('messageOf() is what an error says, or what else was thrown', () => {
  expect(messageOf(new Error('no'))).toBe('no');
  expect(messageOf(7)).toBe('7');
});

test('messageOf() is 1,000 characters long at most', () => {
  expect(messageOf(new Error('a'.repeat(1_000)))).toBe('a'.repeat(1_000));
  expect(messageOf(new Error('a'.repeat(1_000_000)))).toBe(`${'a'.repeat(1_000)}...`);
});

const tls = (name: string) => readFileSync(join(import.meta.dirname, '../fixtures/tls', name), 'latin1');

test.each([
  ['a CA that is not sent', tls('api.pem'), 'unable to verify the first certificate'],
  ['a CA that is sent', tls('api.pem') + tls('ca.pem'), 'self-signed certificate in certificate chain'],
])('messageOf() says what to do about a certificate of %s', async (_what, cert, fault) => {
  const server = createServer({ key: tls('api.key'), cert }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1', { servername: 'api.test' });
  const cause = await once(client, 'secureConnect').catch((error: unknown) => error);
  expect(messageOf(cause)).toBe(
    `${fault} (if a private CA has issued it, mount that over /etc/ssl/certs/ca-certificates.crt, or set NODE_EXTRA_CA_CERTS to its path)`,
  );
});
