import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { makeSchemas } from '../scripts/schemas.ts';
import { type Field, type Fields, LINES } from '../src/log/lines.ts';
import { createLog } from '../src/log/log.ts';
import { faultsOf, published } from './helpers/schemas.ts';

test('docs/schemas is what `npm run schemas` writes', () => {
  expect(published).toEqual(makeSchemas());
});

const SOME: Fields = {
  address: '192.0.2.1:443',
  addresses: ['192.0.2.1'],
  admin: { host: '127.0.0.1', port: 9090 },
  before: [],
  by: 'command',
  client: '10.0.0.2:1024',
  decision: 'refused',
  drainTimeout: 10_000,
  dropped: '127.0.0.1 (loopback)',
  ending: 'finished',
  err: new Error('ECONNREFUSED'),
  failures: 1,
  kept: [],
  leftOut: 1,
  limit: 3,
  lines: 7,
  live: 100,
  lost: 2,
  mode: 'tcp',
  more: 2,
  ms: 3,
  name: null,
  nameCheck: 'enforce',
  port: 443,
  protocol: 'tcp',
  reason: 'b.test is not in TARGET',
  received: 1,
  routes: ['443→a.test:443'],
  rule: 'not in TARGET',
  scope: 'public',
  sent: 1,
  signal: 'SIGTERM',
  since: '2026-11-28T06:00:00.000Z',
  target: 'a.test:443',
  targets: ['a.test'],
  until: null,
  used: 16,
  version: '0.1.0',
  waiting: 5,
};

/** A line as the log writes it. */
function written(fields: readonly Field[], message: string): Readonly<Record<string, unknown>> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-log-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'log');
  const fd = openSync(file, 'w');
  createLog('info', fd).log.warn(Object.fromEntries(fields.map((name) => [name, SOME[name]])), message);
  closeSync(fd);
  return JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, unknown>>;
}

test.each(Object.entries(LINES).map(([message, fields]) => ({ message, fields })))(
  'the schema knows the line "$message", and no other field of it',
  ({ message, fields }) => {
    const line = written(fields, message.replace('…', '12'));
    expect(faultsOf('log-line.json', line)).toEqual([]);
    expect(faultsOf('log-line.json', { ...line, surprise: 1 })).not.toEqual([]);
    for (const name of fields) {
      const { [name]: _left, ...rest } = line;
      expect(faultsOf('log-line.json', rest), `without ${name}`).not.toEqual([]);
      expect(faultsOf('log-line.json', { ...line, [name]: { odd: 1 } }), `an odd ${name}`).not.toEqual([]);
    }
  },
);

test('the schema knows lines that fold several, and lines that say nothing but a message', () => {
  const folded = written(['client', 'rule', 'decision', 'more'], 'refused 2 more in 10 s');
  expect(faultsOf('log-line.json', folded)).toEqual([]);
  expect(faultsOf('log-line.json', { ...folded, reason: 7 })).not.toEqual([]);
  expect(faultsOf('log-line.json', { ...folded, msg: 'refused' })).not.toEqual([]);
  const plain = written([], 'stopped');
  expect(faultsOf('log-line.json', plain)).toEqual([]);
  expect(faultsOf('log-line.json', { ...plain, port: 443 })).toEqual([
    expect.stringContaining('must NOT have additional properties {"additionalProperty":"port"}'),
    expect.stringContaining('in {'),
  ]);
});
