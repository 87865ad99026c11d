import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { startApt } from '../helpers/apt.ts';
import { startDoor, startFrontEnd } from '../helpers/front-end.ts';
import { stopForWarnings, temporaryDirectory } from '../helpers/program.ts';
import { run } from '../helpers/run.ts';

const TENANTS = { 'api.test': '127.0.0.1', 'www.test': '127.0.0.1', 'bad.test': '127.0.0.1' };
const SCHEMES = ['http', 'https'] as const;

/** A front end, a forward proxy to its tenant api.test, and programs that are told of the proxy by their environment. */
async function world(environment: Readonly<Record<string, string>> = {}) {
  const frontEnd = await startFrontEnd(TENANTS);
  const { relay, proxy } = await startDoor(frontEnd, { MODE: 'http-proxy', ...environment });
  const home = temporaryDirectory();
  const proxyUrl = `http://127.0.0.1:${proxy}`;
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    LC_ALL: 'C',
    // Of this one, curl reads the small letters alone.
    http_proxy: proxyUrl,
    HTTPS_PROXY: proxyUrl,
    CURL_CA_BUNDLE: frontEnd.ca,
    GIT_SSL_CAINFO: frontEnd.ca,
    NODE_EXTRA_CA_CERTS: frontEnd.ca,
  };
  return {
    frontEnd,
    relay,
    home,
    proxyUrl,
    urlOf: (scheme: 'http' | 'https', tenant: string) =>
      `${scheme}://${tenant}:${scheme === 'http' ? frontEnd.httpPort : frontEnd.tlsPort}`,
    /** Runs a program at home. */
    program: (command: string, args: readonly string[], more: NodeJS.ProcessEnv = {}) =>
      run(command, args, { env: { ...env, ...more }, cwd: home, timeout: 20_000 }),
    /** The tenants that have had a request. */
    tenants: async () => [...new Set((await frontEnd.requests()).map(({ tenant }) => tenant))].toSorted(),
    /** What `refused` says where bad.test was asked for by both schemes. */
    bad: [frontEnd.httpPort, frontEnd.tlsPort].map((port) => `bad.test:${port}: not in TARGET`),
    /** Whom the relay did not let through, each once. */
    refused: () => {
      const lines = relay.lines.filter(({ msg }) => msg === 'refused');
      return [...new Set(lines.map((line) => `${String(line['name'])}: ${String(line['rule'])}`))];
    },
  };
}

test('curl gets the listed host, and is told why it gets no other', async () => {
  const { program, urlOf, tenants, refused, bad } = await world();
  const curl = (...args: readonly string[]) => program('curl', ['--silent', '--show-error', ...args]);
  for (const scheme of SCHEMES) expect((await curl(urlOf(scheme, 'api.test'))).output).toBe('api.test\n');

  expect((await curl(urlOf('http', 'bad.test'))).output).toBe('bad.test is not in TARGET\n');
  const { code, output } = await curl('--verbose', urlOf('https', 'bad.test'));
  expect(code).toBe(56);
  expect(output).toMatch(/^< HTTP\/1\.1 403 /m);
  expect(output).toMatch(/^< Proxy-Status: sallyport;.* details="bad\.test is not in TARGET"/m);
  expect((await curl('http://api.test:1/')).output).toBe('port 1 is not in PORT\n');
  expect(await tenants()).toEqual(['api.test']);
  expect(refused()).toEqual([...bad, 'api.test:1: not in PORT']);
});

test('git clones from the listed host, and from no other', async () => {
  const { program, frontEnd, home, urlOf, tenants, refused, bad } = await world();
  const git = (...args: readonly string[]) =>
    program('git', ['-c', 'user.name=Tester', '-c', 'user.email=tester@api.test', ...args], {
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
    });
  const published = join(frontEnd.files, 'repo.git');
  await git('init', '--quiet', 'origin');
  await git('-C', 'origin', 'commit', '--quiet', '--allow-empty', '--message', 'Say hello');
  await git('clone', '--quiet', '--bare', 'origin', published);
  // What a server that knows nothing of git needs (git-update-server-info(1)).
  await git('-C', published, 'update-server-info');

  for (const scheme of SCHEMES) {
    const clone = (tenant: string) =>
      git('clone', '--quiet', `${urlOf(scheme, tenant)}/files/repo.git`, join(home, scheme, tenant));
    expect(await clone('api.test')).toMatchObject({ code: 0, output: '' });
    const { stdout } = await git('-C', join(scheme, 'api.test'), 'log', '--format=%s');
    expect(stdout).toBe('Say hello\n');
    const { code, output } = await clone('bad.test');
    expect([code, output]).toEqual([128, expect.stringMatching(/\b403\b/)]);
  }
  expect(await tenants()).toEqual(['api.test']);
  expect(refused()).toEqual(bad);
});

test('npm installs from the listed host, and from no other', { timeout: 60_000 }, async () => {
  const { program, frontEnd, home, urlOf, tenants, refused, bad } = await world();
  const npm = (...args: readonly string[]) =>
    program('npm', args, {
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_update_notifier: 'false',
      npm_config_fetch_retries: '0',
    });
  const registry = join(frontEnd.files, 'npm');
  const manifest = { name: 'greeting', version: '1.0.0' };
  for (const directory of [registry, join(home, 'greeting')]) mkdirSync(directory);
  writeFileSync(join(home, 'greeting/package.json'), JSON.stringify(manifest));
  expect(await npm('pack', './greeting', '--pack-destination', registry)).toMatchObject({ code: 0 });

  for (const scheme of SCHEMES) {
    const tarball = `${urlOf(scheme, 'api.test')}/files/npm/greeting-1.0.0.tgz`;
    const versions = { '1.0.0': { ...manifest, dist: { tarball } } };
    const listing = { name: 'greeting', 'dist-tags': { latest: '1.0.0' }, versions };
    writeFileSync(join(registry, 'greeting'), JSON.stringify(listing));
    const install = (tenant: string) => {
      const place = join(home, scheme, tenant);
      mkdirSync(place, { recursive: true });
      return npm(
        'install',
        'greeting',
        '--prefix',
        place,
        '--registry',
        `${urlOf(scheme, tenant)}/files/npm`,
      );
    };
    expect(await install('api.test')).toMatchObject({
      code: 0,
      output: expect.stringContaining('added 1 package'),
    });
    const installed = readFileSync(join(home, scheme, 'api.test/node_modules/greeting/package.json'), 'utf8');
    expect(JSON.parse(installed)).toEqual(manifest);
    expect(await install('bad.test')).toMatchObject({ code: 1, output: expect.stringContaining('E403') });
  }
  expect(await tenants()).toEqual(['api.test']);
  expect(refused()).toEqual(bad);
});

test('apt updates from the listed host, and from no other', async () => {
  const { frontEnd, home, proxyUrl, urlOf, tenants, refused, bad } = await world();
  const repository = join(frontEnd.files, 'apt');
  mkdirSync(repository);
  const greeting = ['Package: greeting', 'Version: 1.0', 'Architecture: all', 'Filename: ./greeting.deb'];
  writeFileSync(join(repository, 'Packages'), [...greeting, 'Size: 1', 'SHA256: 0', ''].join('\n'));

  /** Has an apt that knows nothing of this system's learn what a tenant offers. */
  const update = async (scheme: 'http' | 'https', tenant: string) => {
    const apt = startApt(join(home, scheme, tenant), {
      source: `${urlOf(scheme, tenant)}/files/apt`,
      settings: {
        'Acquire::http::Proxy': proxyUrl,
        'Acquire::https::Proxy': proxyUrl,
        'Acquire::https::CaInfo': frontEnd.ca,
      },
    });
    const { output } = await apt('apt-get', 'update', '--error-on=any');
    return { output, known: (await apt('apt-cache', 'show', 'greeting')).stdout };
  };

  for (const scheme of SCHEMES) {
    expect((await update(scheme, 'api.test')).known).toMatch(/^Version: 1\.0$/m);
    const { output, known } = await update(scheme, 'bad.test');
    expect([known, output]).toEqual(['', expect.stringMatching(/\b403\b/)]);
  }
  expect(await tenants()).toEqual(['api.test']);
  expect(refused()).toEqual(bad);
});

test.each([
  ['off', ['bad.test', 'bad.test', 'www.test', 'www.test'], ['bad.test', 'www.test'], null],
  ['report', ['bad.test', 'bad.test', 'www.test', 'www.test'], ['bad.test', 'www.test'], 'would refuse'],
  [
    'enforce',
    [
      'bad.test is not in TARGET',
      'unrecognized name',
      'www.test is not api.test, which CONNECT has named',
      'unrecognized name',
    ],
    [],
    'refused',
  ],
])(
  'NAME_CHECK=%s: what a tunnel to the listed host carries to another tenant there',
  async (check, expected, reached, decision) => {
    const { program, relay, frontEnd, urlOf, tenants } = await world({
      NAME_CHECK: check,
      TARGET: 'api.test www.test',
    });
    const { httpPort, tlsPort } = frontEnd;
    const fronted = ['--silent', '--show-error', '--proxytunnel', '--insecure'];
    const outcomes: string[] = [];
    for (const tenant of ['bad.test', 'www.test']) {
      for (const scheme of SCHEMES) {
        const port = scheme === 'http' ? httpPort : tlsPort;
        const detour = `${tenant}:${port}:api.test:${port}`;
        const { output } = await program('curl', [...fronted, '--connect-to', detour, urlOf(scheme, tenant)]);
        outcomes.push(/unrecognized name/.exec(output)?.[0] ?? output.trim());
      }
    }
    expect(outcomes).toEqual(expected);
    expect(await tenants()).toEqual(reached);
    const warnings = await stopForWarnings(relay);
    expect(warnings.map((line) => line['decision'])).toEqual(
      decision === null ? [] : outcomes.map(() => decision),
    );
  },
);

test('with one TARGET a tunnel is held to it, unless NAME_CHECK=off is said', async () => {
  const { program, frontEnd, urlOf, tenants } = await world();
  const { tlsPort } = frontEnd;
  const detour = `www.test:${tlsPort}:api.test:${tlsPort}`;
  const { output } = await program('curl', [
    '--silent',
    '--show-error',
    '--connect-to',
    detour,
    urlOf('https', 'www.test'),
  ]);
  expect(output).toMatch(/unrecognized name/);
  expect(await tenants()).toEqual([]);
});
