import { expect, test } from 'vitest';

import { parseConfig } from '../../src/config/config.ts';
import { problemsOf } from '../helpers/config.ts';

test('ADMIN_PORT and ADMIN_HOST say where metrics are told, and without a port nowhere', () => {
  const adminOf = (environment: Record<string, string>) =>
    parseConfig({ TARGET: 'api.example.com', ...environment }).admin;
  expect(adminOf({})).toBe(null);
  expect(adminOf({ ADMIN_HOST: '0.0.0.0' })).toBe(null);
  expect(adminOf({ ADMIN_PORT: '9464' })).toEqual({ host: '127.0.0.1', port: 9464 });
  expect(adminOf({ ADMIN_PORT: '9464', ADMIN_HOST: '::' })).toEqual({ host: '::', port: 9464 });
  expect(adminOf({ ADMIN_PORT: '80', MODE: 'udp', PORT: '80' })).toEqual({ host: '127.0.0.1', port: 80 });
  expect(adminOf({ ADMIN_PORT: '80', MODE: 'http-proxy', PORT: '80' })).toMatchObject({ port: 80 });
});

test.each([
  [{ ADMIN_PORT: '0' }, `ADMIN_PORT="0": '0' is no port from 1 to 65535; it takes a port from 1 to 65535`],
  [
    { ADMIN_PORT: '9464', ADMIN_HOST: 'localhost' },
    'ADMIN_HOST="localhost": that is no address; it takes an address to listen on, such as 127.0.0.1 or ::',
  ],
  [
    { ADMIN_PORT: '8080', PORT: '8080:80' },
    'ADMIN_PORT=8080: TARGET and PORT have a relay listen on that port, for api.example.com: take another',
  ],
  [
    { ADMIN_PORT: '3128', MODE: 'http-proxy' },
    'ADMIN_PORT=3128: LISTEN has the forward proxy listen on that port: take another',
  ],
])('parseConfig() refuses %j', (environment, problem) => {
  expect(problemsOf({ TARGET: 'api.example.com', ...environment })).toEqual([problem]);
});
