import { expect, test } from 'vitest';

import { parseConfig } from '../../src/config/config.ts';
import { problemsOf } from '../helpers/config.ts';

const one = { TARGET: 'a.test' };
const several = { TARGET: 'a.test b.test' };
const wildcard = { TARGET: '*.a.test' };
const proxy = { MODE: 'http-proxy' };

/** Where the HTTP probes go. */
function probesOf(environment: Record<string, string>) {
  const { probes } = parseConfig({ HTTP_HEALTHCHECK: '1', ...environment });
  return probes.map(({ url, port, viaProxy }) => [url.href, port, viaProxy]);
}

test('HTTP_HEALTHCHECK_URL lists URLs, which may hold commas; $TARGET is the first plain name', () => {
  expect(
    probesOf({
      TARGET: '*.c.test a.test b.test',
      HTTP_HEALTHCHECK_URL: 'https://$TARGET/x?a,b\n http://B.test  http://x.c.test:443/',
    }),
  ).toEqual([
    ['https://a.test/x?a,b', 443, false],
    ['http://b.test/', 80, false],
    ['http://x.c.test:443/', 443, false],
  ]);
  expect(
    probesOf({ ...several, HTTP_HEALTHCHECK_URL: 'http://a.test/1,http://b.test/2, http://$TARGET/3,4' }),
  ).toEqual([
    ['http://a.test/1', 80, false],
    ['http://b.test/2', 80, false],
    ['http://a.test/3,4', 80, false],
  ]);
  expect(probesOf(several)).toEqual([['http://a.test/', 80, false]]);
});

test('a probe through the forward proxy goes to LISTEN', () => {
  expect(
    probesOf({
      ...several,
      ...proxy,
      LISTEN: '8080',
      PORT: '443 8000',
      HTTP_HEALTHCHECK_URL: 'https://$TARGET/ http://b.test:8000/',
    }),
  ).toEqual([
    ['https://a.test/', 8080, true],
    ['http://b.test:8000/', 8080, true],
  ]);
  expect(probesOf({ TARGET: '2001:0db8::1', NAME_CHECK: 'off', ...proxy })).toEqual([
    ['http://[2001:db8::1]/', 3128, true],
  ]);
});

test('the default probe through a forward proxy goes by the ports of the targets, not by LISTEN', () => {
  const listen = { ...several, ...proxy, LISTEN: '8443' };
  expect(probesOf({ ...listen, PORT: '80' })).toEqual([['http://a.test/', 8443, true]]);
  expect(probesOf({ ...listen, PORT: '443' })).toEqual([['https://a.test/', 8443, true]]);
});

const probing = { HTTP_HEALTHCHECK: '1' };

test.each<[Record<string, string>, string]>([
  [
    { ...wildcard, ...probing },
    '"http://$TARGET/": TARGET holds wildcards alone, so name a host in place of $TARGET;',
  ],
  [
    { ...several, ...probing, HTTP_HEALTHCHECK_URL: 'http://$TARGET/ http://c.test/x' },
    '"http://c.test/x": c.test is not in TARGET;',
  ],
  [
    { ...one, NAME_CHECK: 'report', ...probing, HTTP_HEALTHCHECK_URL: 'http://b.test/' },
    '"http://b.test/": b.test is not in TARGET;',
  ],
  [
    { ...one, ...proxy, ...probing, HTTP_HEALTHCHECK_URL: 'http://b.test/' },
    '"http://b.test/": b.test is not in TARGET;',
  ],
  [{ ...one, ...proxy, ...probing, PORT: '443 3000' }, '"http://$TARGET/": port 80 is not in PORT;'],
  [
    { ...one, ...proxy, ...probing, HTTP_HEALTHCHECK_URL: 'https://$TARGET:8443/' },
    '"https://$TARGET:8443/": port 8443 is not in PORT;',
  ],
  [
    { ...one, ...proxy, LISTEN: '8080', ...probing, HTTP_HEALTHCHECK_URL: 'http://$TARGET:8080/' },
    '"http://$TARGET:8080/": port 8080 is not in PORT;',
  ],
])('the HTTP probe of %j is refused', (environment, problem) => {
  expect(problemsOf(environment)).toEqual([
    expect.stringMatching(
      new RegExp(`^${RegExp.escape(`HTTP_HEALTHCHECK_URL=${problem}`)} it takes http:// or https:// URLs`),
    ),
  ]);
});

test.each(['https:///', 'https:///health', 'https://:8443/', 'https://user@/', 'https://?x', 'https://'])(
  'a probe of %s, out of which Compose has taken $TARGET, is refused',
  (url) => {
    for (const environment of [{ HTTP_HEALTHCHECK_URL: url }, { HTTP_HEALTHCHECK_URL: url, ...probing }])
      expect(problemsOf({ ...one, ...environment })).toEqual([
        expect.stringMatching(/^HTTP_HEALTHCHECK_URL=.+ names no host; a Compose file .+ wants \$\$TARGET;/),
      ]);
    expect(problemsOf({ ...one, SMTP_HEALTHCHECK_URL: url.replace('https', 'smtp') })).toEqual([
      expect.stringMatching(/^SMTP_HEALTHCHECK_URL=.+ names no host; /),
    ]);
  },
);

test('a probe of a host behind user info or in brackets names a host', () => {
  const hosts = ['http://u:p@a.test/', 'http://:p@a.test/', 'http://[::1]:80/'];
  expect(hosts.flatMap((url) => problemsOf({ ...one, HTTP_HEALTHCHECK_URL: url }))).toEqual([]);
});

test('a probe that is off needs no host', () => {
  expect(parseConfig({ ...wildcard, HTTP_HEALTHCHECK_URL: 'http://$TARGET/x' }).probes).toEqual([]);
});

test('SMTP_HEALTHCHECK goes with a relay of TCP only', () => {
  expect(problemsOf({ ...one, ...proxy, SMTP_HEALTHCHECK: '1' })).toEqual([
    'SMTP_HEALTHCHECK=1: goes with MODE=tcp only, or with a port with /tcp',
  ]);
});
