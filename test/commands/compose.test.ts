import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { compose } from '../../src/commands/compose.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseConfig } from '../../src/config/config.ts';
import { UsageError } from '../../src/lib/arguments.ts';

const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

type Options = Readonly<Record<string, string | boolean>>;

/** What the command prints for these rules, and what it warns of. */
async function print(rules: readonly string[], options: Options = {}) {
  const lines: string[] = [];
  const warnings: string[] = [];
  const io = {
    environment: { TARGET: 'of.no.account', PORT: '1' },
    print: (...some: readonly string[]) => void lines.push(...some),
    printError: (...some: readonly string[]) => void warnings.push(...some),
  };
  expect(await compose.run({ options, operands: rules }, io)).toBe(0);
  return { lines, warnings };
}

/** The lines below a key, up to the next one that is not further in; without their indentation. */
function below(lines: readonly string[], key: string): readonly string[] {
  const start = lines.findIndex((line) => line.trimStart().startsWith(`${key}:`));
  expect(start).not.toBe(-1);
  const depth = (line = '') => line.search(/\S/);
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => depth(line) <= depth(lines[start]));
  return rest.slice(0, end === -1 ? undefined : end).map((line) => line.slice(depth(rest[0])));
}

/** Values are in double quotes, or in a folded block (`>-`). */
function environmentOf(lines: readonly string[]): Record<string, string> {
  const environment: Record<string, string> = { TARGET: below(lines, 'TARGET').join(' ') };
  for (const line of below(lines, 'environment')) {
    const [, name, value] = /^(\w+): ("[^"]*")/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) environment[name] = JSON.parse(value) as string;
  }
  return environment;
}

const ALIASED = 'aliases: # by these names the app finds the door';

test.each<[rules: string[], environment: Record<string, string>, inside: string[]]>([
  [
    ['api.test'],
    { TARGET: 'api.test', PORT: '80 443', PRE_RESOLVE: '1', NAME_CHECK: 'enforce' },
    [ALIASED, '  - "api.test"'],
  ],
  [
    ['api.test:443', 'b.test:443 db.test:5432,cache.test:6380:6379'],
    { TARGET: 'api.test:443 b.test:443 db.test:5432 cache.test:6380:6379', PRE_RESOLVE: '1' },
    [ALIASED, '  - "api.test"', '  - "b.test"', '  - "db.test"', '  - "cache.test"'],
  ],
  [
    ['logs.test:514/UDP', 'API.Test.', 'api.test:5000-5010/tcp', 'bücher.test.:1-1'],
    {
      TARGET: 'logs.test:514/udp api.test. api.test:5000-5010/tcp xn--bcher-kva.test.:1',
      PORT: '80 443',
      PRE_RESOLVE: '1',
    },
    [ALIASED, '  - "logs.test"', '  - "api.test"', '  - "xn--bcher-kva.test"'],
  ],
  [
    ['*.s3.test:443', 'api.test:443'],
    { TARGET: '*.s3.test:443 api.test:443', DNS: '1' },
    ['ipv4_address: 10.53.0.53'],
  ],
  [
    ['*.s3.test:53/tcp', 'api.test:443'],
    { TARGET: '*.s3.test:53/tcp api.test:443', PRE_RESOLVE: '1', NAME_CHECK: 'enforce' },
    [
      ALIASED,
      '  - "api.test"',
      '# add an alias for each name below *.s3.test that the app uses: Docker knows no wildcards',
    ],
  ],
  [
    ['192.0.2.1', '[2001:db8::1]:853:8853', '2001:db8::2/udp'],
    { TARGET: '192.0.2.1 [2001:db8::1]:853:8853 2001:db8::2/udp', PORT: '80 443' },
    [
      '# the app reaches 192.0.2.1 as door',
      '# the app reaches 2001:db8::1 as door',
      '# the app reaches 2001:db8::2 as door',
    ],
  ],
  [['1.5e3:80'], { TARGET: '1.5e3:80', PRE_RESOLVE: '1', NAME_CHECK: 'enforce' }, [ALIASED, '  - "1.5e3"']],
])('compose has %j in the environment and the names of the door', async (rules, environment, inside) => {
  const { lines, warnings } = await print(rules);
  expect(warnings).toEqual([]);
  expect(environmentOf(lines)).toEqual(environment);
  expect(below(lines, 'inside')).toEqual(inside);
  const meant = parseConfig({ TARGET: rules.join(' ') });
  expect(parseConfig(environmentOf(lines))).toMatchObject({ rules: meant.rules, warnings: [] });
});

const CHECK = 'NAME_CHECK: "enforce" # refuses who asks for another name at the same address';

test.each<[rules: string[], lines: string[]]>([
  [['api.test:443', 'web.test:80', 'dev.test:9000:8443'], [CHECK]],
  [['api.test:443', 'db.test:5432'], [`# ${CHECK}: if clients of all ports use TLS or HTTP`]],
  [['api.test:443', 'mail.test:25'], [`# ${CHECK}: if clients of all ports use TLS or HTTP`]],
  [['api.test:443', '192.0.2.1:80'], [`# ${CHECK}: if clients of all ports use TLS or HTTP`]],
  [['api.test:443', 'b.test:443', '*.c.test:443'], []], // checked anyhow
  [['mail.test:25', '192.0.2.1:80', 'logs.test:514/udp'], []], // nothing to be read
])('compose of %j has names checked where it can: %j', async (rules, expected) => {
  const { lines } = await print(rules);
  expect(below(lines, 'environment').filter((line) => line.includes('NAME_CHECK'))).toEqual(expected);
});

test('compose --proxy opens a forward proxy, and says how the app takes it', async () => {
  const rules = ['api.test:443', '*.s3.test:443', 'db.test:5433'];
  const plain = await print(rules);
  expect(plain.lines.join('\n')).not.toMatch(/proxy/i);

  const { lines, warnings } = await print(rules, { proxy: true });
  expect(warnings).toEqual([]);
  expect(lines[1]).toMatch(/^# .* HTTPS_PROXY and HTTP_PROXY set to http:\/\/door:3128\.$/);
  expect(below(lines, 'inside').at(-1)).toMatch(/^# .* \*\.s3\.test that the app uses without the proxy:/);
  const environment = environmentOf(lines);
  expect(environment['MODE']).toBe('tcp http-proxy');
  expect(parseConfig(environment).listeners.map(({ kind, port }) => `${port}/${kind}`)).toEqual([
    '443/tcp',
    '5433/tcp',
    '3128/http-proxy',
  ]);
});

test('compose --dns has no aliases, and a fixed address that the app asks', async () => {
  const rules = ['db.test:5432', '*.s3.test:443', 'logs.test:514/udp', '192.0.2.1:81', 'local:82'];
  const plain = await print(rules.filter((rule) => !rule.startsWith('*')));
  expect(plain.lines.join('\n')).not.toMatch(/dns:|ipam|ipv4_address|do not ask/);

  const { lines, warnings } = await print(rules, { dns: true });
  expect(warnings).toEqual([]);
  // Which would have it anyhow.
  expect((await print(rules)).lines).toEqual(lines);
  expect(environmentOf(lines)).toEqual({ TARGET: rules.join(' '), DNS: '1' });
  expect(below(lines, 'inside')).toEqual(['# the app reaches 192.0.2.1 as door', 'ipv4_address: 10.53.0.53']);
  expect(lines[1]).toBe('# It finds the door with `dns: 10.53.0.53`.');
  expect(lines[2]).toMatch(/^# Docker .* do not ask it: see docs\/dns\.md\.$/);
  expect(below(lines, 'config')).toEqual([
    expect.stringMatching(/^- subnet: 10\.53\.0\.0\/24 # /),
    '  ip_range: 10.53.0.128/25 # for all but the door',
  ]);
});

test('compose --addresses gives each name an address, and the door the right to take them', async () => {
  const rules = ['one.test:587', 'two.test:587', 'one.test:514/udp', 'two.test:514/udp', '*.s3.test:443'];
  await expect(print(rules, { dns: true })).rejects.toThrow(ConfigError);

  const { lines, warnings } = await print(rules, { addresses: true });
  expect(warnings).toEqual([]);
  expect(environmentOf(lines)).toEqual({ TARGET: rules.join(' '), DNS: '1', NAME_ADDRESSES: '10.53.1.0/24' });
  expect(lines).toContain('    cap_drop: [ALL]');
  expect(lines).toContain('    cap_add: [NET_ADMIN] # takes the addresses of names');
  expect(lines).toContain('    user: "0:0" # only root can use a capability');
  expect(below(lines, 'inside')).toEqual(['ipv4_address: 10.53.0.53']);
  expect(below(lines, 'config')).toEqual([
    expect.stringMatching(/^- subnet: 10\.53\.0\.0\/23 # .* in NAME_ADDRESSES, /),
    '  ip_range: 10.53.0.128/25 # for all but the door',
  ]);
  expect((await print(['one.test:587'], { dns: true })).lines.join('\n')).not.toMatch(/NET_ADMIN|user:|\/23/);
});

test('compose --addresses proposes to have names checked, on ports that several share too', async () => {
  const { lines } = await print(['one.test:443', 'two.test:443'], { addresses: true });
  expect(environmentOf(lines)['NAME_CHECK']).toBe('enforce');
});

test.each<[rules: string[], options: Options, environment: Record<string, string>, rights: string]>([
  [
    ['db.test:5432', 'logs.test:514/udp', '192.0.2.1:81'],
    {},
    { TARGET: 'db.test:5432 logs.test:514/udp 192.0.2.1:81', FAST_LANE: '1', PRE_RESOLVE: '1' },
    'tells the kernel what to relay',
  ],
  [
    ['one.test:5432', 'two.test:5432'],
    { addresses: true },
    {
      TARGET: 'one.test:5432 two.test:5432',
      DNS: '1',
      NAME_ADDRESSES: '10.53.1.0/24',
      FAST_LANE: '1',
      PRE_RESOLVE: '1',
    },
    'takes the addresses of names, tells the kernel what to relay',
  ],
])(
  'compose --fast-lane of %j with %j has what the kernel needs',
  async (rules, options, expected, rights) => {
    const { lines, warnings } = await print(rules, { ...options, 'fast-lane': true });
    expect(warnings).toEqual([]);
    const environment = environmentOf(lines);
    expect(environment).toEqual(expected);
    expect(parseConfig(environment)).toMatchObject({ fastLane: true, warnings: [] });
    expect(lines).toContain('    cap_drop: [ALL]');
    expect(lines).toContain(`    cap_add: [NET_ADMIN] # ${rights}`);
    expect(lines).toContain('    user: "0:0" # only root can use a capability');
    const sysctls = below(lines, 'sysctls').map((line) => line.replace(/ #.*/, ''));
    expect(sysctls).toEqual(['net.ipv4.ip_forward: "1"', 'net.netfilter.nf_conntrack_tcp_be_liberal: "1"']);
  },
);

test.each([['one.test:5432', 'two.test:5432'], ['*.s3.test:5432']])(
  'compose --fast-lane of names that share a port says what to give them: %s',
  async (...rules) => {
    const failure = await print(rules, { 'fast-lane': true }).catch((error: unknown) => error);
    expect((failure as ConfigError).problems).toEqual([
      expect.stringMatching(/^FAST_LANE=1: several names share port 5432: /),
    ]);
  },
);

test('compose --fast-lane warns of names that public nameservers do not know, with its own DNS too', async () => {
  const { warnings } = await print(['db:5432'], { addresses: true, 'fast-lane': true });
  expect(warnings).toEqual([expect.stringMatching(/^db has no dot, /)]);
  expect((await print(['db:5432'], { addresses: true })).warnings).toEqual([]);
});

test('compose without --fast-lane has a door that forwards nothing', async () => {
  const { lines } = await print(['db.test:5432']);
  expect(below(lines, 'sysctls')).toEqual(['net.ipv4.ip_forward: "0" # no router between its networks']);
  expect(lines.join('\n')).not.toMatch(/FAST_LANE|NET_ADMIN/);
});

test('compose --dns goes with --proxy', async () => {
  const { lines } = await print(['api.test:443'], { dns: true, proxy: true });
  const environment = { TARGET: 'api.test:443', MODE: 'tcp http-proxy', DNS: '1', NAME_CHECK: 'enforce' };
  expect(environmentOf(lines)).toEqual(environment);
  expect(parseConfig(environment).warnings).toEqual([]);
  expect(lines.join('\n')).not.toMatch(/alias/);
});

test.each([
  [{}, 'ghcr.io/sallyport/sallyport'],
  [{ image: 'registry.test:5000/door:1.0@sha256:0a' }, 'registry.test:5000/door:1.0@sha256:0a'],
])('compose with %j has the image %s', async (options, image) => {
  const { lines } = await print(['api.test'], options);
  expect(lines).toContain(`    image: "${image}"`);
});

test('compose writes the healthcheck that the image has', async () => {
  const { lines } = await print(['api.test']);
  const check = new Map(below(lines, 'healthcheck').map((line) => line.split(': ') as [string, string]));
  const said = /^HEALTHCHECK (.*) CMD \["healthcheck"\]$/m.exec(read('Dockerfile'))?.[1]?.split(' ') ?? [];
  const options = [...check].filter(([name]) => name !== 'test');
  expect(options.map(([name, value]) => `--${name.replace('_', '-')}=${value}`)).toEqual(said);
  expect(check.get('test')).toBe('[CMD, healthcheck]');
});

test('the door in docs/names.md is what compose writes by the command above it', async () => {
  const [, rules = '', file] =
    /^ {4}docker run .* compose (.*) > door\.yaml\n\n```yaml\n(.*?)```$/ms.exec(read('docs/names.md')) ?? [];
  const { lines } = await print(rules.replaceAll("'", '').split(' '));
  expect(`${lines.join('\n')}\n`).toBe(file);
});

test.each(['', ' ', '-x', 'a b', 'a"b', '${IMAGE}', 'a\n'])('compose takes no image %j', async (image) => {
  await expect(print(['api.test'], { image })).rejects.toThrow(UsageError);
});

test.each<[string[], string[]]>([
  [['api.test:443', 'api.test:443'], ['TARGET: api.test:443/tcp is listed twice']],
  [['api.test:443', 'api.test:443:80'], ['TARGET: api.test:443/tcp is to lead to both port 443 and port 80']],
  [
    ['a..test', 'b.test'],
    [expect.stringMatching(/^TARGET="a\.\.test b\.test": 'a\.\.test': .* no host name/) as string],
  ],
  [['*.a.test:53/udp'], [expect.stringContaining('a port of UDP belongs to one name') as string]],
  [[''], [expect.stringMatching(/^TARGET is not set/) as string]],
])('compose says against %j what a start would say', async (rules, problems) => {
  const failure = await print(rules).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ConfigError);
  expect((failure as ConfigError).problems).toEqual(problems);
});

test('compose --dns leaves port 53 to the DNS', async () => {
  await expect(print(['ns.test:53'], { dns: true })).rejects.toThrow(
    'DNS=1: TARGET and PORT have a relay listen on port 53 too, for ns.test',
  );
});

test('compose warns of a name without a dot, and quotes what would be no text in YAML', async () => {
  const { lines, warnings } = await print(['null:80', '[::1]:80:81/udp']);
  expect(warnings).toEqual([
    'null has no dot, so public nameservers do not know it: set NAMESERVERS to some that do',
  ]);
  expect(below(lines, 'aliases')).toEqual(['- "null"']);
});

test('compose warns as a start would', async () => {
  const { warnings } = await print(['a.test:5432', 'b.test:5432']);
  expect(warnings).toEqual([expect.stringMatching(/on port 5432 \(PostgreSQL\) only clients that use TLS/)]);
});
