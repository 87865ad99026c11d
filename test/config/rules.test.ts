import { expect, test } from 'vitest';

import { parseConfig } from '../../src/config/config.ts';
import { LEARNING } from '../../src/lib/learning.ts';
import { problemsOf } from '../helpers/config.ts';

/** What listens, and where it leads: `443/tcp a.test:443 b.test:443`. */
function listen(environment: Record<string, string>): readonly string[] {
  return parseConfig(environment).listeners.map(({ kind, port, allowed }) => {
    const targets = allowed.flatMap(({ names, ports }) => names.map((name) => `${name}:${ports.join()}`));
    return `${port}/${kind} ${targets.join(' ')}`;
  });
}

const udp = { MODE: 'udp' };
const beside = { MODE: 'tcp http-proxy' };
const proxy = { MODE: 'http-proxy' };

test.each<[Record<string, string>, string[]]>([
  [{ TARGET: 'a.test b.test' }, ['80/tcp a.test:80 b.test:80', '443/tcp a.test:443 b.test:443']],
  [{ TARGET: 'a.test:5432 b.test:6380:6379' }, ['5432/tcp a.test:5432', '6380/tcp b.test:6379']],
  [
    { TARGET: 'a.test b.test:5432 logs.test:514/udp', PORT: '443' },
    ['443/tcp a.test:443', '5432/tcp b.test:5432', '514/udp logs.test:514'],
  ],
  [{ TARGET: 'a.test:443 b.test', PORT: '443' }, ['443/tcp b.test:443 a.test:443']],
  [{ TARGET: 'a.test:443:8443 b.test:443' }, ['443/tcp a.test:8443 b.test:443']],
  [{ TARGET: 'a.test:80 a.test:443' }, ['80/tcp a.test:80', '443/tcp a.test:443']],
  [{ TARGET: 'dns.test', PORT: '53/udp 53/tcp' }, ['53/tcp dns.test:53', '53/udp dns.test:53']],
  [{ TARGET: 'dns.test/udp a.test/tcp', PORT: '53' }, ['53/tcp a.test:53', '53/udp dns.test:53']],
  [
    { TARGET: 'dns.test/udp a.test/tcp', PORT: '53/udp 443/tcp' },
    ['443/tcp a.test:443', '53/udp dns.test:53'],
  ],
  [
    { TARGET: 'logs.test a.test:443/tcp', PORT: '514', ...udp },
    ['514/udp logs.test:514', '443/tcp a.test:443'],
  ],
  [
    { TARGET: 'logs.test', PORT: '514 6514/tcp', ...udp },
    ['6514/tcp logs.test:6514', '514/udp logs.test:514'],
  ],
  [{ TARGET: '[::1]:53/udp ::1', PORT: '80' }, ['80/tcp ::1:80', '53/udp ::1:53']],
  [
    { TARGET: 'a.test cache.test:6380:6379 logs.test:514/udp', PORT: '443', ...beside },
    [
      '443/tcp a.test:443',
      '6380/tcp cache.test:6379',
      '514/udp logs.test:514',
      '3128/http-proxy a.test:443 cache.test:6379',
    ],
  ],
  [
    { TARGET: 'a.test db.test:5432 logs.test:514:1514/udp', PORT: '443', ...proxy },
    ['514/udp logs.test:1514', '3128/http-proxy a.test:443 db.test:5432'],
  ],
  [
    { TARGET: 'logs.test a.test/tcp', PORT: '514', MODE: 'HTTP-Proxy, UDP,', LISTEN: '8080' },
    ['514/udp logs.test:514', '514/tcp a.test:514', '8080/http-proxy a.test:514'],
  ],
  [{ NAME_CHECK: 'learn' }, ['80/tcp *:80', '443/tcp *:443']],
  [
    { NAME_CHECK: 'learn', TARGET: 'db.test:5432 a.test logs.test:514/udp', PORT: '443' },
    ['443/tcp a.test:443 *:443', '5432/tcp db.test:5432', '514/udp logs.test:514'],
  ],
  [{ NAME_CHECK: 'learn', TARGET: '*:8443:443' }, ['8443/tcp *:443']],
  [{ NAME_CHECK: 'learn', ...beside, PORT: '443' }, ['443/tcp *:443', '3128/http-proxy *:443']],
])('with %j listen %j', (environment, listeners) => {
  expect(listen(environment)).toEqual(listeners);
});

test('a name that is written in two ways is resolved in both, as each of its rules asks for it', () => {
  const { targets, rules } = parseConfig({ TARGET: 'A.test.:80 a.test:443 a.test:8443' });
  expect(targets).toEqual(['a.test.', 'a.test']);
  expect(rules.flatMap(({ names }) => names)).toEqual(['a.test.', 'a.test', 'a.test']);
});

test.each<[Record<string, string>, string[]]>([
  [{ TARGET: 'a.test A.Test.', PORT: '443' }, ['TARGET: a.test:443/tcp is listed twice']],
  [{ TARGET: 'a.test:443 a.test', PORT: '80 443' }, ['TARGET: a.test:443/tcp is listed twice']],
  [{ TARGET: '::1 [0:0:0:0:0:0:0:1]:80', PORT: '80' }, ['TARGET: [::1]:80/tcp is listed twice']],
  [
    { TARGET: 'a.test:443 a.test:443:8443' },
    ['TARGET: a.test:443/tcp is to lead to both port 443 and port 8443'],
  ],
  [
    { TARGET: '*.a.test:5000-5002 *.A.test:5001:80' },
    ['TARGET: *.a.test:5001/tcp is to lead to both port 5001 and port 80'],
  ],
  [{ TARGET: 'a.test', PORT: '53 53/udp', ...udp }, ['PORT: port 53/udp is listed twice']],
  [
    { TARGET: 'a.test/udp', PORT: '443/tcp' },
    ['TARGET: a.test/udp needs a port of its own, as PORT has none for udp'],
  ],
  [
    { TARGET: 'a.test:514/udp b.test:514/udp' },
    [
      'TARGET="a.test b.test": a port of UDP belongs to one name and no wildcard, as datagrams carry no name to choose by (514/udp)',
    ],
  ],
  [
    { TARGET: '*.a.test', PORT: '1-999', ...udp },
    [
      expect.stringMatching(
        /^TARGET="\*\.a\.test": a port of UDP belongs to one name and no wildcard, .+ \(1\/udp, .+and 991 more\)$/,
      ) as string,
    ],
  ],
  [
    { TARGET: 'a.test:1-999 b.test:1001-1500' },
    ['TARGET and PORT: more than 1000 ports are to be listened on'],
  ],
  [
    { TARGET: 'a.test:3128 b.test:3128:80 c.test', ...beside },
    ['LISTEN=3128: TARGET and PORT have a relay listen on that port, for a.test b.test'],
  ],
  [
    { TARGET: 'a.test:3128/udp', ...beside },
    ['MODE=http-proxy: no name has a tcp port that could be asked for'],
  ],
  [
    { TARGET: 'a.test:6380:6379 [::1]:8443:443 b.test', ...proxy, PORT: '8443:443' },
    ['PORT: 8443:443', 'TARGET: a.test:6380:6379', 'TARGET: [::1]:8443:443'].map(
      (pair) => `${pair} is a pair, and with MODE=http-proxy only LISTEN listens`,
    ),
  ],
  [
    { TARGET: 'a.test', PROXY_PROTOCOL: 'v2', ...beside },
    [
      'PROXY_PROTOCOL=v2: goes with MODE=tcp only, as a forward proxy leads to servers of others, which do not expect the header',
    ],
  ],
  [
    { TARGET: 'a.test:9000', ADMIN_PORT: '9000' },
    ['ADMIN_PORT=9000: TARGET and PORT have a relay listen on that port, for a.test: take another'],
  ],
  [
    { TARGET: 'a.test b.test:53 c.test:53:5353 d.test:53/udp', PORT: '53/tcp', DNS: '1' },
    [
      'DNS=1: TARGET and PORT have a relay listen on port 53 too, for a.test b.test c.test',
      'DNS=1: TARGET and PORT have a relay listen on port 53 too, for d.test',
    ],
  ],
  [
    { TARGET: 'a.test', PORT: '53/tcp 53/udp', DNS: '1' },
    ['DNS=1: TARGET and PORT have a relay listen on port 53 too, for a.test'],
  ],
  [
    { TARGET: 'a.test:80', ...proxy, LISTEN: '53', ADMIN_PORT: '53', DNS: '1' },
    [
      'ADMIN_PORT=53: LISTEN has the forward proxy listen on that port: take another',
      'DNS=1: LISTEN has the forward proxy listen on port 53 too',
      'DNS=1: ADMIN_PORT listens on port 53 too',
    ],
  ],
  [
    { TARGET: 'a.test:514/udp', HTTP_HEALTHCHECK: '1' },
    ['HTTP_HEALTHCHECK=1: goes with MODE=tcp and MODE=http-proxy only, or with a port with /tcp'],
  ],
  [{ TARGET: 'a.test *' }, ['TARGET: * stands for every name, which goes with NAME_CHECK=learn only']],
  [
    { TARGET: 'a.test', ...udp, NAME_CHECK: 'learn' },
    ['NAME_CHECK=learn: goes with MODE=tcp and MODE=http-proxy only, as datagrams carry no name'],
  ],
  [
    { NAME_CHECK: 'learn', PORT: '22' },
    [
      'TARGET="*": on port 22 (SSH) the server speaks first, before a client says a name, but has to choose the target: give such a target a port of its own',
    ],
  ],
])('%j is refused', (environment, problems) => {
  expect(problemsOf(environment)).toEqual(problems);
});

test.each<[Record<string, string>, string[]]>([
  [{ TARGET: 'a.test:514/udp', ADMIN_PORT: '514' }, []],
  [{ TARGET: 'a.test:514/udp a.test:80', PROXY_PROTOCOL: 'v1' }, []],
  [{ TARGET: 'a.test/udp', PORT: '53/udp 443/tcp' }, ['PORT: no name in TARGET uses 443/tcp']],
  ...['443', '80 443'].map((PORT): [Record<string, string>, string[]] => [
    { TARGET: 'a.test:5432', PORT },
    ['PORT is set, but has no effect without a name in TARGET without ports of its own'],
  ]),
])('%j is taken, with warnings %j', (environment, warnings) => {
  expect(parseConfig(environment).warnings).toEqual(warnings);
});

test.each<[Record<string, string>, string, number]>([
  [{ TARGET: 'logs.test:514/udp a.test:8443:443' }, 'https://a.test/', 8443],
  [{ TARGET: '*.w.test db.test:5432 a.test', PORT: '80' }, 'http://db.test/', 5432],
  [{ TARGET: 'db.test:5432 a.test:80', HTTP_HEALTHCHECK_URL: 'http://a.test/x' }, 'http://a.test/x', 80],
  [{ TARGET: 'a.test:8080:80 b.test:8080', HTTP_HEALTHCHECK_URL: 'http://a.test/' }, 'http://a.test/', 8080],
  [{ TARGET: 'a.test:443', ...beside, HTTP_HEALTHCHECK_URL: 'https://a.test/' }, 'https://a.test/', 443],
])('with %j the probe %s goes to port %i', (environment, href, port) => {
  const { probes } = parseConfig({ HTTP_HEALTHCHECK: '1', ...environment });
  expect(probes.map((probe) => [probe.url.href, probe.port, probe.viaProxy])).toEqual([[href, port, false]]);
});

test('where names are learned they are to lead out, and TARGET may be left out', () => {
  const { targets, nameCheck, scope, settings, warnings, probes } = parseConfig({
    NAME_CHECK: 'learn',
    HTTP_HEALTHCHECK: '1',
  });
  expect({ targets, nameCheck, scope, probes }).toEqual({
    targets: ['*'],
    nameCheck: 'learn',
    scope: 'public',
    probes: [],
  });
  expect(settings.find(({ name }) => name === 'TARGET_SCOPE')?.text).toBe('public');
  expect(warnings).toEqual([expect.stringMatching(/^NAME_CHECK=learn: whoever names a name gets there/)]);
  expect(parseConfig({ NAME_CHECK: 'learn', TARGET_SCOPE: 'private' }).scope).toBe('private');
  expect(
    parseConfig({ NAME_CHECK: 'learn', HTTP_HEALTHCHECK: '1', TARGET: 'a.test:80' }).probes,
  ).toHaveLength(1);
});

test.each<Record<string, string>>([
  { PORT: '443' },
  { PORT: '443', TARGET: 'a.test:5432' },
  { PRE_RESOLVE: '1', TARGET_SCOPE: 'public' },
])('where names are learned, %j has an effect, as every name has the ports of PORT', (environment) => {
  expect(parseConfig({ NAME_CHECK: 'learn', ...environment }).warnings).toEqual([LEARNING]);
});

test('a name has its own ports alone, not those of others: a probe of another is refused', () => {
  expect(
    problemsOf({
      TARGET: 'a.test:443 *.b.test:443 db.test:5432',
      MODE: 'http-proxy',
      HTTP_HEALTHCHECK: '1',
      HTTP_HEALTHCHECK_URL: 'http://a.test:5432/',
    }),
  ).toEqual([expect.stringContaining('port 5432 is not in PORT')]);
});
