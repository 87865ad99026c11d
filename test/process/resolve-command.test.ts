import { expect, test } from 'vitest';

import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { runSallyport } from '../helpers/program.ts';
import { closedPort } from '../helpers/sockets.ts';

test('sallyport resolve prints each server, its answers, their TTLs, and what is dropped and why', async () => {
  const records = [a('api.test', '10.1.2.3', 300), a('api.test', '127.0.0.1', 60)];
  const nameserver = await scriptedServer(zone(records));
  const [refusing, good] = [`127.0.0.1:${await closedPort()}`, `127.0.0.1:${nameserver.port}`];
  const environment = { TARGET: 'api.test', PRE_RESOLVE: '1', NAMESERVERS: `${refusing} ${good}` };
  const { code, output } = await runSallyport(['resolve'], environment);
  expect(code).toBe(0);
  const lines = output.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^api\.test A( and AAAA)?, PRE_RESOLVE=1, TARGET_SCOPE=private$/);
  expect(lines.slice(1)).toEqual([
    refusing,
    expect.stringContaining('ECONNREFUSED'),
    good,
    expect.stringMatching(/^ {2}10\.1\.2\.3 +TTL 300 s$/),
    expect.stringMatching(/^ {2}127\.0\.0\.1 +TTL 60 s, dropped: loopback$/),
    `The relay dials 10.1.2.3 (by ${good}).`,
  ]);
});

test('sallyport resolve ends with 1 where there is nothing to dial', async () => {
  const { code, output } = await runSallyport(['resolve'], { TARGET: 'localhost' });
  expect(code).toBe(1);
  expect(output).toMatch(/127\.0\.0\.1 +TTL 30 s, dropped: loopback/);
  expect(output).toContain('The relay has nothing to dial.');
});

test('sallyport resolve takes a literal address as it is', async () => {
  const { code, output } = await runSallyport(['resolve'], { TARGET: '127.0.0.1' });
  expect([code, output]).toEqual([0, 'TARGET is the address 127.0.0.1: it is dialled as it is\n']);
});

test('sallyport resolve takes the targets in turn, and wants something to dial for each plain name', async () => {
  const nameserver = await scriptedServer(
    zone([a('a.test', '10.1.2.3'), a('b.test', '10.1.2.4'), a('c.test', '127.0.0.1')]),
  );
  const environment = { PRE_RESOLVE: '1', NAMESERVERS: `127.0.0.1:${nameserver.port}` };
  const good = await runSallyport(['resolve'], { ...environment, TARGET: 'b.test *.b.test a.test' });
  expect(good.code).toBe(0);
  expect(good.output.split('\n').filter((line) => /^(The relay|[*a-z]+\.)/.test(line))).toEqual([
    expect.stringMatching(/^b\.test A/),
    `The relay dials 10.1.2.4 (by 127.0.0.1:${nameserver.port}).`,
    '*.b.test: a name below it is resolved when a client asks for it',
    expect.stringMatching(/^a\.test A/),
    `The relay dials 10.1.2.3 (by 127.0.0.1:${nameserver.port}).`,
  ]);

  for (const TARGET of ['c.test a.test', 'a.test c.test']) {
    const bad = await runSallyport(['resolve'], { ...environment, TARGET });
    expect(bad.code).toBe(1);
    expect(bad.output).toContain('The relay dials 10.1.2.3');
    expect(bad.output).toContain('The relay has nothing to dial.');
  }
});

test('sallyport resolve has nothing to ask for where there are wildcards alone', async () => {
  const { code, output } = await runSallyport(['resolve'], { TARGET: '*.a.test' });
  expect([code, output]).toEqual([0, '*.a.test: a name below it is resolved when a client asks for it\n']);
});
