import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { parseConfig } from '../../src/config/config.ts';
import { problemsOf } from '../helpers/config.ts';

test('parseConfig() needs nothing but TARGET', () => {
  const { settings: _, ...config } = parseConfig({ TARGET: 'api.example.com' });
  expect(config).toEqual({
    targets: ['api.example.com'],
    targetFile: null,
    targetText: null,
    rules: [
      {
        names: ['api.example.com'],
        protocol: 'tcp',
        ports: [
          { listen: 80, target: 80 },
          { listen: 443, target: 443 },
        ],
      },
    ],
    defaultPorts: [80, 443].map((port) => ({ listen: port, target: port, protocol: null })),
    defaultProtocol: 'tcp',
    listeners: [80, 443].map((port) => ({
      kind: 'tcp',
      port,
      allowed: [{ names: ['api.example.com'], ports: [port] }],
      nameCheck: 'off',
      maxConnections: 100,
    })),
    mode: 'tcp',
    nameCheck: 'off',
    tlsEch: 'allow',
    dns: null,
    nameAddresses: null,
    fastLane: false,
    bind: null,
    allowFrom: null,
    proxyProtocol: 'off',
    preResolve: false,
    nameservers: ['208.67.222.222', '8.8.8.8', '208.67.220.220', '8.8.4.4'].map((address) => ({
      text: address,
      protocol: 'udp',
      address,
      port: 53,
    })),
    refresh: true,
    scope: 'private',
    blackout: false,
    blackoutHealth: 'healthy',
    exitOnUnhealthy: Infinity,
    maxConnections: 100,
    maxWaiting: 1000,
    workers: 1,
    udpAnswers: true,
    verbose: false,
    connectTimeout: 10_000,
    idleTimeout: 0,
    udpTimeout: 60_000,
    admin: null,
    drainTimeout: 8_000,
    logLevel: 'info',
    runDir: null,
    probes: [],
    warnings: [],
  });
});

test('parseConfig() sets no limit where all clients share one session', () => {
  const limitsOf = (environment: object) =>
    parseConfig({ TARGET: 'a.test:80 a.test:53/udp', MAX_CONNECTIONS: '5', ...environment }).listeners.map(
      ({ maxConnections }) => maxConnections,
    );
  expect(limitsOf({ UDP_ANSWERS: '0' })).toEqual([5, Infinity]);
  expect(limitsOf({})).toEqual([5, 5]);
  expect(limitsOf({ MAX_CONNECTIONS: '0' })).toEqual([Infinity, Infinity]);
});

test('parseConfig() reads every variable', () => {
  const config = parseConfig({
    TARGET: ' Mail.Example.com ',
    PORT: '25, 8443:443 5000-5002',
    MODE: 'TCP',
    PRE_RESOLVE: 'true',
    NAMESERVERS: '9.9.9.9 127.0.0.1:5353, [::1]:5353 2620:fe::fe',
    PRE_RESOLVE_REFRESH: '0',
    TARGET_SCOPE: 'Public',
    BIND: '127.0.0.1, [::1]',
    ALLOW_FROM: '10.0.0.0/8 2001:db8::1',
    PROXY_PROTOCOL: 'V2',
    BLACKOUT: '1',
    BLACKOUT_HEALTH: 'Unhealthy',
    EXIT_ON_UNHEALTHY: '3',
    MAX_CONNECTIONS: '0',
    MAX_WAITING: '7',
    UDP_ANSWERS: 'FALSE',
    VERBOSE: '1',
    HTTP_HEALTHCHECK: '1',
    HTTP_HEALTHCHECK_URL: 'https://$TARGET/status?x=a:b',
    HTTP_HEALTHCHECK_TIMEOUT_MS: '500',
    SMTP_HEALTHCHECK: '1',
    SMTP_HEALTHCHECK_URL: 'smtp://$$TARGET',
    SMTP_HEALTHCHECK_COMMAND: 'NOOP',
    SMTP_HEALTHCHECK_TIMEOUT_MS: '600',
    CONNECT_TIMEOUT_MS: '1',
    IDLE_TIMEOUT_MS: '2',
    UDP_TIMEOUT_MS: '3',
    DRAIN_TIMEOUT_MS: '0',
    LOG_LEVEL: 'debug',
    SALLYPORT_RUN_DIR: '/tmp/run',
  });
  expect(config).toMatchObject({
    targets: ['mail.example.com'],
    rules: [
      {
        ports: [
          { listen: 25, target: 25 },
          { listen: 8443, target: 443 },
          { listen: 5000, target: 5000 },
          { listen: 5001, target: 5001 },
          { listen: 5002, target: 5002 },
        ],
      },
    ],
    mode: 'tcp',
    preResolve: true,
    nameservers: [
      { address: '9.9.9.9', port: 53 },
      { address: '127.0.0.1', port: 5353 },
      { address: '::1', port: 5353 },
      { address: '2620:fe::fe', port: 53 },
    ],
    refresh: false,
    scope: 'public',
    bind: ['127.0.0.1', '::1'],
    allowFrom: [
      ['10.0.0.0', 8],
      ['2001:db8::1', 128],
    ],
    proxyProtocol: 'v2',
    blackout: true,
    blackoutHealth: 'unhealthy',
    exitOnUnhealthy: 3,
    maxConnections: Infinity,
    maxWaiting: 7,
    udpAnswers: false,
    verbose: true,
    connectTimeout: 1,
    idleTimeout: 2,
    udpTimeout: 3,
    drainTimeout: 0,
    logLevel: 'debug',
    runDir: '/tmp/run',
    probes: [
      { kind: 'HTTP', port: 8443, viaProxy: false, timeout: 500 },
      { kind: 'SMTP', port: 25, viaProxy: false, timeout: 600, command: 'NOOP' },
    ],
  });
  expect(config.probes.map(({ url }) => url.href)).toEqual([
    'https://mail.example.com/status?x=a:b',
    'smtp://mail.example.com',
  ]);
});

test.each([
  ['system', { protocol: 'system' }],
  ['udp://9.9.9.9', { protocol: 'udp', address: '9.9.9.9', port: 53 }],
  ['tcp://9.9.9.9', { protocol: 'tcp', address: '9.9.9.9', port: 53 }],
  ['tcp://[::1]:5353', { protocol: 'tcp', address: '::1', port: 5353 }],
  ['[2620:fe::fe]:53', { protocol: 'udp', address: '2620:fe::fe', port: 53 }],
  ['tls://1.1.1.1', { protocol: 'tls', address: '1.1.1.1', port: 853, name: null }],
  ['tls://[::1]:8853#Dns.Example', { protocol: 'tls', address: '::1', port: 8853, name: 'dns.example' }],
  [
    'https://1.1.1.1/dns-query',
    { protocol: 'https', address: '1.1.1.1', port: 443, path: '/dns-query', name: null },
  ],
  [
    'https://8.8.8.8/q?x=1#dns.google',
    { protocol: 'https', address: '8.8.8.8', port: 443, path: '/q?x=1', name: 'dns.google' },
  ],
  ['https://[::1]:8443', { protocol: 'https', address: '::1', port: 8443, path: '/dns-query', name: null }],
])('parseConfig() takes %s as a nameserver', (text, nameserver) => {
  expect(parseConfig({ TARGET: 'a.test', NAMESERVERS: text }).nameservers).toEqual([{ text, ...nameserver }]);
});

test.each([
  ['NAMESERVERS', 'https://dns.google/dns-query'],
  ['NAMESERVERS', 'tls://dns.google'],
  ['NAMESERVERS', 'quic://9.9.9.9'],
  ['NAMESERVERS', 'tcp://9.9.9.9#dns.quad9.net'],
  ['NAMESERVERS', 'tls://9.9.9.9/dns-query'],
  ['NAMESERVERS', 'tls://9.9.9.9#'],
  ['NAMESERVERS', 'tls://9.9.9.9#not a name'],
  ['NAMESERVERS', 'https://[1.1.1.1]/dns-query'],
  ['TARGET_SCOPE', 'global'],
  ['PRE_RESOLVE_REFRESH', 'maybe'],
  ['EXIT_ON_UNHEALTHY', 'yes'],
  ['TARGET', 'https://api.example.com/'],
  ['TARGET', 'api.example.com:http'],
  ['TARGET', 'api.example.com/path'],
  ['TARGET', '-bad-.example.com'],
  ['TARGET', 'a..b'],
  ['TARGET', `${'a'.repeat(64)}.example.com`],
  ['PORT', '0'],
  ['PORT', '70000'],
  ['PORT', '80 80'],
  ['PORT', 'abc'],
  ['PORT', '10-5'],
  ['PORT', '80:'],
  ['PORT', '80:0'],
  ['PORT', '-80'],
  ['PORT', '80.5'],
  ['PORT', '1e3'],
  ['PORT', '443 400-500'],
  ['PORT', '1-2000'],
  ['PORT', '1-1001'],
  ['PORT', '1-1000 2000'],
  ['PORT', '1-500 1001-1501'],
  ['PORT', ','],
  ['BIND', 'localhost'],
  ['BIND', '127.0.0.1:80'],
  ['BIND', '127.0.0.0/8'],
  ['BIND', '::ffff:127.0.0.1'],
  ['BIND', '127.0.0.1 127.0.0.1'],
  ['BIND', '::1 0:0::1'],
  ['BIND', '127.0.0.1 0.0.0.0'],
  ['BIND', '0::0 ::1'],
  ['BIND', ','],
  ['ALLOW_FROM', 'app'],
  ['ALLOW_FROM', 'any 10.0.0.1'],
  ['ALLOW_FROM', '10.0.0.0/33'],
  ['ALLOW_FROM', '2001:db8::/129'],
  ['ALLOW_FROM', '10.0.0.0/'],
  ['ALLOW_FROM', '10.0.0.0/255.0.0.0'],
  ['ALLOW_FROM', '10.0.0.0/8/8'],
  ['ALLOW_FROM', '10.0.0.0/-1'],
  ['ALLOW_FROM', '10.0.0/8'],
  ['ALLOW_FROM', '10.0.0.1-10.0.0.9'],
  ['ALLOW_FROM', '192.0.2.1 fe80::1%eth0'],
  ['ALLOW_FROM', '::ffff:10.0.0.0/104'],
  ['ALLOW_FROM', ','],
  ['PROXY_PROTOCOL', 'v3'],
  ['PROXY_PROTOCOL', '1'],
  ['MODE', 'sctp'],
  ['PRE_RESOLVE', 'yes please'],
  ['PRE_RESOLVE', '2'],
  ['NAMESERVERS', 'dns.google'],
  ['NAMESERVERS', '9.9.9.9 dns.google'],
  ['NAMESERVERS', '9.9.9.9:0'],
  ['NAMESERVERS', '9.9.9.9:dns'],
  ['NAMESERVERS', '[9.9.9.9]:53'],
  ['NAMESERVERS', ','],
  ['MAX_CONNECTIONS', '-1'],
  ['MAX_CONNECTIONS', '1e3'],
  ['MAX_CONNECTIONS', '1.5'],
  ['UDP_ANSWERS', 'no'],
  ['VERBOSE', 'loud'],
  ['HTTP_HEALTHCHECK', 'on'],
  ['HTTP_HEALTHCHECK_URL', 'api.example.com'],
  ['HTTP_HEALTHCHECK_URL', 'ftp://$TARGET/'],
  ['HTTP_HEALTHCHECK_URL', 'http://'],
  ['HTTP_HEALTHCHECK_URL', 'http://$TARGET:99999/'],
  ['HTTP_HEALTHCHECK_TIMEOUT_MS', '0'],
  ['HTTP_HEALTHCHECK_TIMEOUT_MS', '2s'],
  ['SMTP_HEALTHCHECK_URL', 'http://$TARGET/'],
  ['SMTP_HEALTHCHECK_COMMAND', 'HELP\nQUIT'],
  ['SMTP_HEALTHCHECK_TIMEOUT_MS', '-5'],
  ['CONNECT_TIMEOUT_MS', '0'],
  ['IDLE_TIMEOUT_MS', '2147483648'],
  ['UDP_TIMEOUT_MS', '0'],
  ['DRAIN_TIMEOUT_MS', 'never'],
  ['LOG_LEVEL', 'chatty'],
  ['SALLYPORT_RUN_DIR', 'run'],
])('parseConfig() refuses %s=%j, and says what it held and what is accepted', (name, value) => {
  const problems = problemsOf({ TARGET: 'api.example.com', [name]: value });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/^.*: .+; it takes .+$/);
  expect(problems[0]?.startsWith(`${name}=${JSON.stringify(value)}: `)).toBe(true);
});

test.each([
  ['1-1000', 1_000],
  ['1-999 2000:443', 1_000],
  ['1-500, 1001-1500', 1_000],
])('parseConfig() takes up to 1,000 ports, as in %s', (PORT, count) => {
  expect(parseConfig({ TARGET: 'a.test', PORT }).listeners).toHaveLength(count);
});

test.each([
  ['5000-6000', "the range '5000-6000' holds more than 1000 ports; it takes up to 1000 ports"],
  ['1-999 2000 3000', 'more than 1000 ports are listed; it takes up to 1000 ports'],
])('parseConfig() says that PORT=%s is too much', (PORT, reason) => {
  expect(problemsOf({ TARGET: 'a.test', PORT })).toEqual([expect.stringContaining(`: ${reason}`)]);
});

test('parseConfig() reports all problems at once', () => {
  const problems = problemsOf({
    PORT: '0',
    MODE: 'sctp',
    MAX_CONNECTIONS: '-1',
    NAMESERVERS: 'dns.google',
    PRE_RESOLVE: 'yes please',
    HTTP_HEALTHCHECK_URL: 'nowhere',
    SMTP_HEALTHCHECK_URL: 'nowhere',
  });
  expect(problems.map((problem) => problem.split(/[= ]/)[0])).toEqual([
    'TARGET',
    'PORT',
    'MODE',
    'PRE_RESOLVE',
    'NAMESERVERS',
    'MAX_CONNECTIONS',
    'HTTP_HEALTHCHECK_URL',
    'SMTP_HEALTHCHECK_URL',
  ]);
});

test('parseConfig() says that a missing TARGET is missing', () => {
  expect(problemsOf({})).toEqual([expect.stringMatching(/^TARGET is not set; it takes names/)]);
});

test('parseConfig() takes an empty variable as unset, as Compose passes ${X:-}', () => {
  expect(parseConfig({ TARGET: 'api.example.com', PORT: '', HTTP_HEALTHCHECK_URL: ' ' })).toEqual(
    parseConfig({ TARGET: 'api.example.com' }),
  );
});

test.each([
  ['bücher.example', 'xn--bcher-kva.example'],
  ['_sip.example.com', '_sip.example.com'],
  ['localhost', 'localhost'],
  ['api.example.com.', 'api.example.com.'],
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
])('parseConfig() takes %s as a target', (text, target) => {
  expect(parseConfig({ TARGET: text }).targets).toEqual([target]);
});

test.each([
  ['80 443', 'http://api.example.com/', 80],
  ['443', 'https://api.example.com/', 443],
  ['8443:443', 'https://api.example.com/', 8443],
  ['443:8080', 'https://api.example.com/', 443],
  ['443 8443:9000 9001:443', 'https://api.example.com/', 443],
  ['443 8443:9000 9001', 'http://api.example.com/', 443],
  ['443 8080', 'http://api.example.com/', 8080],
  ['8080:80', 'http://api.example.com/', 8080],
  ['3000', 'http://api.example.com/', 3000],
])('with PORT=%s the default HTTP probe is %s on port %i', (ports, href, port) => {
  const {
    probes: [probe],
  } = parseConfig({ TARGET: 'api.example.com', PORT: ports, HTTP_HEALTHCHECK: '1' });
  expect([probe?.url.href, probe?.port]).toEqual([href, port]);
});

test.each([
  ['80 443 8080', 'http://other.example.com:8080/', 8080],
  ['443 80', 'http://$TARGET/a:b', 80],
  ['443 80', 'http://user:pass@$TARGET/', 80],
  ['443 8080:80', 'http://[2001:db8::1]/', 8080],
  ['443 8080:80', 'http://$TARGET:8080/', 8080],
  ['8443', 'https://$TARGET/', 8443],
  ['8443', 'https://${TARGET}/', 8443],
  ['80 8443', 'https://$TARGET/', 8443],
])('with PORT=%s the HTTP probe %s goes to port %i', (ports, url, port) => {
  const {
    probes: [probe],
  } = parseConfig({
    TARGET: 'api.example.com',
    PORT: ports,
    HTTP_HEALTHCHECK: '1',
    HTTP_HEALTHCHECK_URL: url,
  });
  expect(probe?.port).toBe(port);
});

test.each([
  ['443 25', undefined, 'smtp://api.example.com/', 25],
  ['443 587', undefined, 'smtp://api.example.com/', 587],
  ['443 25 465 587', undefined, 'smtp://api.example.com/', 25],
  ['443 2587:587', undefined, 'smtp://api.example.com/', 2587],
  ['443 465', undefined, 'smtps://api.example.com/', 465],
  ['443 2465:465', undefined, 'smtps://api.example.com/', 2465],
  ['443 465', 'smtp://$TARGET/', 'smtp://api.example.com/', 465],
  ['443 587 465', 'smtps://$TARGET/', 'smtps://api.example.com/', 465],
  ['443 587', 'smtps://$TARGET/', 'smtps://api.example.com/', 587],
  ['443 2525', undefined, 'smtp://api.example.com/', 443],
])('with PORT=%s and SMTP_HEALTHCHECK_URL=%s the SMTP probe is %s on port %i', (PORT, given, href, port) => {
  const {
    probes: [probe],
    settings,
  } = parseConfig({
    TARGET: 'api.example.com',
    PORT,
    SMTP_HEALTHCHECK: '1',
    SMTP_HEALTHCHECK_URL: given,
  });
  expect([probe?.url.href, probe?.port]).toEqual([href, port]);
  const { text } = settings.find(({ name }) => name === 'SMTP_HEALTHCHECK_URL') ?? {};
  expect(text?.replace('$TARGET', 'api.example.com')).toBe(href);
});

test('parseConfig() brackets an IPv6 target in probe URLs', () => {
  const {
    probes: [probe],
  } = parseConfig({ TARGET: '2001:db8::1', HTTP_HEALTHCHECK: '1' });
  expect(probe?.url.href).toBe('http://[2001:db8::1]/');
});

test('parseConfig() refuses a probe to a port that no port pair has', () => {
  expect(
    problemsOf({
      TARGET: 'a.test',
      PORT: '443',
      HTTP_HEALTHCHECK: '1',
      HTTP_HEALTHCHECK_URL: 'https://$TARGET:9000/',
    }),
  ).toEqual([expect.stringContaining('port 9000 is not in PORT')]);
});

test.each(['HTTP_HEALTHCHECK', 'SMTP_HEALTHCHECK'])('parseConfig() refuses %s with MODE=udp', (name) => {
  expect(problemsOf({ TARGET: 'a.test', MODE: 'udp', [name]: '1' })).toEqual([
    expect.stringContaining(`${name}=1: goes with MODE=tcp`),
  ]);
});

test('with MODE=http-proxy every target port is reached through LISTEN', () => {
  const listenersOf = (environment: Record<string, string>) =>
    parseConfig({ TARGET: 'a.test', MODE: 'http-proxy', ...environment }).listeners;
  expect(listenersOf({ PORT: '443 8000-8001' })).toMatchObject([
    { kind: 'http-proxy', port: 3128, allowed: [{ names: ['a.test'], ports: [443, 8000, 8001] }] },
  ]);
  expect(listenersOf({ LISTEN: '8080' })).toMatchObject([
    { kind: 'http-proxy', port: 8080, allowed: [{ names: ['a.test'], ports: [80, 443] }] },
  ]);
});

test('with MODE=http-proxy a pair in PORT is refused', () => {
  expect(problemsOf({ TARGET: 'a.test', MODE: 'http-proxy', PORT: '443 8080:80 8443:443' })).toEqual([
    'PORT: 8080:80 is a pair, and with MODE=http-proxy only LISTEN listens',
    'PORT: 8443:443 is a pair, and with MODE=http-proxy only LISTEN listens',
  ]);
});

test.each([
  [
    '10.0.0.0/8, 192.0.2.1',
    [
      ['10.0.0.0', 8],
      ['192.0.2.1', 32],
    ],
  ],
  [
    '2001:DB8::/32 ::/0',
    [
      ['2001:DB8::', 32],
      ['::', 0],
    ],
  ],
  ['172.18.0.5/16', [['172.18.0.5', 16]]],
  ['Any', null],
])('parseConfig() takes %s as ALLOW_FROM', (text, allowFrom) => {
  expect(parseConfig({ TARGET: 'a.test', ALLOW_FROM: text })).toMatchObject({ allowFrom });
});

test.each([
  ['0.0.0.0', ['0.0.0.0']],
  ['0.0.0.0 ::', ['0.0.0.0', '::']],
  ['0.0.0.0 ::1', ['0.0.0.0', '::1']],
  ['fe80::1%eth0 fe80::1%eth1', ['fe80::1%eth0', 'fe80::1%eth1']],
])('parseConfig() takes %s as BIND', (text, bind) => {
  expect(parseConfig({ TARGET: 'a.test', BIND: text })).toMatchObject({ bind });
});

test.each(['udp', 'http-proxy'])(
  'parseConfig() refuses PROXY_PROTOCOL with MODE=%s, and says why',
  (mode) => {
    expect(problemsOf({ TARGET: 'a.test', MODE: mode, PROXY_PROTOCOL: 'v1' })).toEqual([
      expect.stringMatching(/^PROXY_PROTOCOL=v1: goes with MODE=tcp only, as .+/),
    ]);
    expect(problemsOf({ TARGET: 'a.test', MODE: mode, PROXY_PROTOCOL: 'off' })).toEqual([]);
  },
);

test.each([
  ['HTTP_HEALTHCHECK_TIMEOUT', 'HTTP_HEALTHCHECK_TIMEOUT_MS'],
  ['NAMESERVER', 'NAMESERVERS'],
  ['PORTS', 'PORT'],
  ['MAX_CONECTIONS', 'MAX_CONNECTIONS'],
  ['PRERESOLVE', 'PRE_RESOLVE'],
  ['target', 'TARGET'],
])('parseConfig() notices that %s is nearly %s', (name, meant) => {
  expect(parseConfig({ TARGET: 'a.test', [name]: 'x' }).warnings).toEqual([
    `${name} is set but unknown: did you mean ${meant}?`,
  ]);
});

test('parseConfig() leaves other variables alone', () => {
  const usual = [
    'PATH',
    'HOME',
    'HOSTNAME',
    'NODE',
    'NODE_VERSION',
    'TERM',
    'LANG',
    'USER',
    'PWD',
    'TZ',
    'API_PORT',
  ];
  const environment = Object.fromEntries(usual.map((name) => [name, 'x']));
  expect(parseConfig({ TARGET: 'a.test', ...environment }).warnings).toEqual([]);
});

test('parseConfig() says a near miss where the variable that was meant is missing', () => {
  expect(() => parseConfig({ TARGETS: 'a.test' })).toThrow(
    /^the configuration has a problem:\nTARGET is not set; .+\nTARGETS is set but unknown: did you mean TARGET\?$/,
  );
});

const address = { TARGET: '192.0.2.1' };
const udp = { MODE: 'udp' };
test.each<[string, Record<string, string>, string]>([
  ['LISTEN', { LISTEN: '8080' }, 'MODE=http-proxy'],
  ['PRE_RESOLVE', { ...address, PRE_RESOLVE: '1' }, 'a name in TARGET'],
  ['TARGET_SCOPE', { ...address, TARGET_SCOPE: 'public' }, 'a name in TARGET'],
  ['NAMESERVERS', { NAMESERVERS: '9.9.9.9' }, 'PRE_RESOLVE=1'],
  ['PRE_RESOLVE_REFRESH', { PRE_RESOLVE_REFRESH: '0' }, 'PRE_RESOLVE=1'],
  ['MAX_CONNECTIONS', { ...udp, UDP_ANSWERS: '0', MAX_CONNECTIONS: '7' }, 'UDP_ANSWERS=1'],
  [
    'MAX_WAITING',
    { ...udp, MAX_WAITING: '7' },
    'MODE=tcp or http-proxy, or a port with /tcp, and a limit of MAX_CONNECTIONS',
  ],
  [
    'MAX_WAITING',
    { MAX_CONNECTIONS: '0', MAX_WAITING: '7' },
    'MODE=tcp or http-proxy, or a port with /tcp, and a limit of MAX_CONNECTIONS',
  ],
  ['UDP_ANSWERS', { UDP_ANSWERS: '0' }, 'MODE=udp, or a port with /udp'],
  ['PORT', { TARGET: 'a.test:5432', PORT: '443' }, 'a name in TARGET without ports of its own'],
  ['VERBOSE', { VERBOSE: '1', LOG_LEVEL: 'warn' }, 'LOG_LEVEL=info, debug or trace'],
  ['IDLE_TIMEOUT_MS', { ...udp, IDLE_TIMEOUT_MS: '7' }, 'MODE=tcp or http-proxy, or a port with /tcp'],
  ['UDP_TIMEOUT_MS', { MODE: 'http-proxy', UDP_TIMEOUT_MS: '7' }, 'MODE=udp, or a port with /udp'],
  [
    'FAST_LANE',
    { TARGET: '*.a.test:443', DNS: '1', NAME_ADDRESSES: '10.53.1.0/24', FAST_LANE: '1' },
    'a name in TARGET that is no wildcard, or an address',
  ],
  ['ADMIN_HOST', { ADMIN_HOST: '::' }, 'ADMIN_PORT'],
  ['HTTP_HEALTHCHECK_URL', { HTTP_HEALTHCHECK_URL: 'http://a.test/x' }, 'HTTP_HEALTHCHECK=1'],
  ['HTTP_HEALTHCHECK_TIMEOUT_MS', { HTTP_HEALTHCHECK_TIMEOUT_MS: '7' }, 'HTTP_HEALTHCHECK=1'],
  ['SMTP_HEALTHCHECK_URL', { SMTP_HEALTHCHECK_URL: 'smtp://a.test/x' }, 'SMTP_HEALTHCHECK=1'],
  ['SMTP_HEALTHCHECK_COMMAND', { SMTP_HEALTHCHECK_COMMAND: 'NOOP' }, 'SMTP_HEALTHCHECK=1'],
  ['SMTP_HEALTHCHECK_TIMEOUT_MS', { SMTP_HEALTHCHECK_TIMEOUT_MS: '7' }, 'SMTP_HEALTHCHECK=1'],
])('parseConfig() warns that %s has no effect: %j', (name, environment, needed) => {
  expect(parseConfig({ TARGET: 'a.test', ...environment }).warnings).toEqual([
    `${name} is set, but has no effect without ${needed}`,
  ]);
});

test.each<Record<string, string>>([
  { UDP_ANSWERS: '1', NAMESERVERS: '', UDP_TIMEOUT_MS: '60000', LISTEN: '3128' },
  { UDP_ANSWERS: 'true', PRE_RESOLVE_REFRESH: 'TRUE', HTTP_HEALTHCHECK: '0', ADMIN_HOST: '127.0.0.1' },
  { ...udp, UDP_ANSWERS: '0', UDP_TIMEOUT_MS: '7', CONNECT_TIMEOUT_MS: '7' },
  { PRE_RESOLVE: '1', NAMESERVERS: '9.9.9.9', PRE_RESOLVE_REFRESH: '0', TARGET_SCOPE: 'any', VERBOSE: '1' },
  { MODE: 'http-proxy', LISTEN: '8080', MAX_WAITING: '7', IDLE_TIMEOUT_MS: '7' },
  { ...address, TARGET_SCOPE: 'any' },
  { ADMIN_PORT: '9000', ADMIN_HOST: '::', HTTP_HEALTHCHECK: '1', HTTP_HEALTHCHECK_TIMEOUT_MS: '7' },
])('parseConfig() does not warn of what has an effect, or says the default: %j', (environment) => {
  expect(parseConfig({ TARGET: 'a.test', ...environment }).warnings).toEqual([]);
});

test.each(['yes', 'off', '2'])('PRE_RESOLVE=%s is no flag: what to write is said', (value) => {
  expect(problemsOf({ TARGET: 'a.test', PRE_RESOLVE: value })).toEqual([
    `PRE_RESOLVE="${value}": write 1 for yes and 0 for no; it takes 1, 0, true or false`,
  ]);
});

test.each([
  ['*', "'*' is no port: there is no wildcard, so list the ports, or ranges such as 5000-5010"],
  ['133342', "'133342' is no port from 1 to 65535 (YAML reads 2222:22 without quotes as that number)"],
  ['65536', "'65536' is no port from 1 to 65535 (YAML reads 1092:16 without quotes as that number)"],
  ['72000', "'72000' is no port from 1 to 65535"],
  ['9999999', "'9999999' is no port from 1 to 65535"],
])('PORT=%s is explained', (ports, reason) => {
  expect(problemsOf({ TARGET: 'a.test', PORT: ports })).toEqual([
    `PORT="${ports}": ${reason}; it takes up to 1000 ports from 1 to 65535, such as 443, 8443:443, 5000-5010 or 53/udp, separated by spaces or commas`,
  ]);
});

test('parseConfig() warns of a port that YAML has made of a pair', () => {
  expect(parseConfig({ TARGET: 'a.test', PORT: '1342' }).warnings).toEqual([
    'PORT=1342 is what YAML reads 22:22 without quotes as: if that was meant, put it in quotes',
  ]);
  for (const ports of ['1342:22', '1342 22', '1343', '3050'])
    expect(parseConfig({ TARGET: 'a.test', PORT: ports }).warnings).toEqual([]);
});

test('parseConfig() warns that PostgreSQL clients may name nobody, where names are checked', () => {
  const warning = (nameCheck: string) =>
    `TARGET: on port 5432 (PostgreSQL) only clients that use TLS with SNI name a target, as libpq 14 and newer do by default, and names are checked (NAME_CHECK=${nameCheck})`;
  const postgres = { TARGET: 'a.test', PORT: '15432:5432' };
  expect(parseConfig({ ...postgres, TARGET: 'a.test b.test' }).warnings).toEqual([warning('enforce')]);
  expect(parseConfig({ ...postgres, NAME_CHECK: 'report' }).warnings).toEqual([warning('report')]);
  expect(parseConfig(postgres).warnings).toEqual([]);
  const { warnings } = parseConfig({ TARGET: 'a.test:5432', MODE: 'tcp http-proxy' });
  expect(warnings).toEqual([
    expect.stringMatching(
      /^TARGET: in tunnels of the forward proxy to port 5432 \(PostgreSQL\) only clients /,
    ),
  ]);
});

test('parseConfig() never fails but with problems that name the variable, whatever a variable holds', () => {
  const names = fc.constantFrom(
    'TARGET',
    'PORT',
    'MODE',
    'NAMESERVERS',
    'MAX_CONNECTIONS',
    'HTTP_HEALTHCHECK_URL',
    'VERBOSE',
  );
  const near = fc.string({
    unit: fc.constantFrom(...'0123456789:-., []$TARGETaz/%é\n'.split('')),
    maxLength: 30,
  });
  fc.assert(
    fc.property(names, fc.oneof(fc.string(), near), (name, value) => {
      const problems = problemsOf({ TARGET: 'a.test', [name]: value });
      expect(problems.every((problem) => problem.startsWith(name))).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test.each(['\n', '\r', '\r\n', '\u2028', '\u0085', '\u001b[2J'])(
  'a problem is one line where a value holds %j',
  (text) => {
    const problems = problemsOf({ TARGET: 'a.test', LISTEN: `1${text}2`, PORT: `443${text}x` });
    expect(problems).toHaveLength(2);
    for (const problem of problems) expect(problem).toMatch(/^(PORT|LISTEN)="[ -~]* is no port[ -~]*$/);
  },
);
