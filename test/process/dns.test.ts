import { Resolver } from 'node:dns/promises';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { askUdp, query } from '../helpers/dns-server.ts';
import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { scrape } from '../helpers/metrics.ts';
import {
  runHealthcheck,
  runProgram,
  runSallyport,
  startSallyport,
  statusIn,
  temporaryDirectory,
} from '../helpers/program.ts';
import { closedPort, readAll, tcpClient, tcpServer } from '../helpers/sockets.ts';

/** Port 53 is one for all tests: each door has an address of its own. */
let doors = 0;

/** A door that answers DNS questions, and its environment. */
async function openDoor(environment: Readonly<Record<string, string>>) {
  const address = `127.${64 + ((process.pid >> 8) % 64)}.${process.pid & 255}.${++doors}`;
  const full = { DNS: '1', BIND: address, ...environment };
  const relay = startSallyport(full);
  await relay.line('listening');
  const resolver = new Resolver({ timeout: 5_000, tries: 1 });
  resolver.setServers([address]);
  return { relay, address, resolver, environment: { ...full, SALLYPORT_RUN_DIR: relay.runDir } };
}

test.each(['1', '2'])(
  'an app finds the door by its own DNS, and the target behind it (WORKERS=%s)',
  async (WORKERS) => {
    const { port: db } = await tcpServer((socket) => socket.end('database'));
    const upstream = await scriptedServer(zone([a('db.test', '127.0.0.1')]));
    const port = await closedPort();
    const { relay, address, resolver, environment } = await openDoor({
      TARGET: `db.test:${port}:${db} *.wild.test:443`,
      PRE_RESOLVE: '1',
      NAMESERVERS: `127.0.0.1:${upstream.port}`,
      TARGET_SCOPE: 'any',
      WORKERS,
    });
    const before = upstream.queries.length;
    expect(await resolver.resolve4('db.test')).toEqual([address]);
    expect(await resolver.resolve4('DB.test')).toEqual([address]);
    expect(await resolver.resolve4('any.wild.test')).toEqual([address]);
    await expect(resolver.resolve6('db.test')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(resolver.resolve4('wild.test')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(resolver.resolve4('other.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    expect(upstream.queries).toHaveLength(before); // nobody was asked

    const [found = ''] = await resolver.resolve4('db.test');
    const client = await tcpClient(port, { host: found });
    expect((await readAll(client)).toString()).toBe('database');

    expect(await relay.line('refused')).toMatchObject({
      port: 53,
      protocol: 'dns',
      name: 'other.test',
      rule: 'not in TARGET',
      client: expect.stringMatching(/^127\./),
    });
    expect((await statusIn(relay.runDir)).dns).toEqual({
      port: 53,
      questions: { allowed: 5, above: 1, unknown: 1 },
      errors: [expect.objectContaining({ message: 'other.test is not in TARGET', count: 1 })],
    });
    const { output } = await runSallyport(['status'], environment);
    expect(output).toContain('DNS on port 53: 5 questions');
    expect(output).toMatch(/^53\/dns .*\b1 .* other\.test is not in TARGET$/m);
    const { stdout: said } = await runProgram('sallyport', ['names'], environment);
    expect(said.replaceAll(/ +/g, ' ')).toMatch(/^any\.wild\.test 53\/dns 1 .* allowed$/m);
    expect(said.replaceAll(/ +/g, ' ')).toMatch(/^db\.test 53\/dns 4 .* allowed$/m);
    expect(said.replaceAll(/ +/g, ' ')).toMatch(/^other\.test 53\/dns 1 .* refused: not in TARGET$/m);
    const { stdout: missing } = await runProgram('sallyport', ['names', '--target'], environment);
    expect(missing).toBe('other.test\n');
    expect(await runHealthcheck(environment)).toEqual({ code: 0, output: 'healthy\n' });
    expect(await askUdp(query('a.other.test', 'A'), { port: 53, host: address })).toMatchObject({
      rcode: 'NXDOMAIN',
      authorities: [{ name: 'test' }],
    });
  },
);

test('DNS_ANSWER says where allowed names are, whoever asks', async () => {
  const admin = await closedPort();
  const { resolver } = await openDoor({
    TARGET: 'api.test:1',
    DNS_ANSWER: '192.0.2.7 2001:db8::7',
    ADMIN_PORT: `${admin}`,
  });
  expect(await resolver.resolve4('api.test')).toEqual(['192.0.2.7']);
  expect(await resolver.resolve6('api.test')).toEqual(['2001:db8::7']);
  expect((await scrape(admin))['sallyport_dns_questions_total{verdict="allowed"}']).toBe(2);
});

test('where names are learned, every name of two labels is answered', async () => {
  const { resolver, address, environment } = await openDoor({
    NAME_CHECK: 'learn',
    PORT: `${await closedPort()}`,
  });
  expect(await resolver.resolve4('whoever.example')).toEqual([address]);
  await expect(resolver.resolve4('example')).rejects.toMatchObject({ code: 'ENODATA' });
  const { stdout } = await runProgram('sallyport', ['names'], environment);
  expect(stdout).toMatch(/^whoever\.example +53\/dns +1 .* learned$/m);
});

test('who is not in ALLOW_FROM is not answered', async () => {
  const { relay, resolver } = await openDoor({ TARGET: 'api.test:1', ALLOW_FROM: '192.0.2.0/24' });
  const asked = resolver.resolve4('api.test').catch(() => 'no answer');
  expect(await relay.line('refused')).toMatchObject({ port: 53, rule: 'source not allowed' });
  resolver.cancel();
  expect(await asked).toBe('no answer');
});

test('a changed list changes the answers', async () => {
  const path = join(temporaryDirectory(), 'targets');
  const port = await closedPort();
  writeFileSync(path, `one.test:${port}\n`);
  const { relay, resolver, address } = await openDoor({ TARGET_FILE: path });
  await expect(resolver.resolve4('two.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  writeFileSync(path, `two.test:${port}\n`);
  relay.process.kill('SIGHUP');
  await relay.line('TARGET_FILE is read: its list is in force');
  expect(await resolver.resolve4('two.test')).toEqual([address]);
  await expect(resolver.resolve4('one.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
});

test('a port 53 that another program has ends the start, and check says so', async () => {
  const { address } = await openDoor({ TARGET: 'api.test:1' });
  const environment = { TARGET: 'api.test:1', DNS: '1', BIND: address, PORT: '' };
  const second = startSallyport({ ...environment, TARGET: `api.test:${await closedPort()}` });
  expect(await second.ended).toMatchObject({ code: 1 });
  expect(await second.line('failed')).toMatchObject({
    err: expect.stringContaining('failed to listen on tcp port 53'),
  });
  const { code, output } = await runSallyport(['check'], {
    ...environment,
    SALLYPORT_RUN_DIR: temporaryDirectory(),
  });
  expect(code).toBe(1);
  expect(output).toContain('port 53');
});
