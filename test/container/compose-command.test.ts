import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { notConnected, notResolved } from '../helpers/container-curl.ts';
import { bringUpFile, type Composed, composeCommand } from '../helpers/docker-compose.ts';
import { noDocker } from '../helpers/docker-engine.ts';
import { images } from '../helpers/docker-names.ts';
import { docker } from '../helpers/docker.ts';
import { run } from '../helpers/run.ts';

let folder: string;
let written = 0;

/** The file that the image prints for these rules. */
async function write(...rules: string[]): Promise<string> {
  const file = path.join(folder, `${written++}.yaml`);
  const image = ['--image', images.sallyport];
  await writeFile(file, await docker('run', '--rm', images.sallyport, 'compose', ...image, ...rules));
  return file;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sallyport-compose-'));
});
afterAll(() => rm(folder, { recursive: true }));

const peer = { image: images.examplePeers, init: true };
const app = { ...peer, command: 'sleep infinity', networks: ['inside'], cap_drop: ['NET_RAW'] };

describe.skipIf(noDocker)('what sallyport compose prints', () => {
  let door: Composed;

  const curl = (...args: string[]) =>
    door.exec('app', 'curl', '--silent', '--show-error', '--max-time', '5', ...args);
  const inspect = async (service: string, format: string) =>
    docker('inspect', '--format', format, await door.container(service));

  beforeAll(async () => {
    const rules = ['api.example.com', 'cache.example.com:8080:80', 'logs.example.com:514/udp'];
    const file = await write('--proxy', ...rules, '*.wild.example.com:9443:443');
    const addresses = 'address() { getent hosts "$$1" | cut -d " " -f 1; }';
    const answers = [
      ['example.com', 'demo-web'],
      ['logs.example.com', 'demo-logs'],
    ].map(([name, host]) => `--address=/${name}/$$(address ${host})`);
    const dnsmasq = 'dnsmasq --keep-in-foreground --user=root --no-resolv --no-hosts --port=5353';
    const services = {
      // It is asked at 127.0.0.1, the only address that is known beforehand.
      door: { environment: { NAMESERVERS: '127.0.0.1:5353' } },
      'demo-names': {
        ...peer,
        command: [
          'sh',
          '-c',
          `${addresses}; exec ${dnsmasq} --listen-address=127.0.0.1 --bind-interfaces ${answers.join(' ')}`,
        ],
        network_mode: 'service:door',
        depends_on: ['demo-web', 'demo-logs'],
      },
      'demo-web': { ...peer, command: 'nginx -g "daemon off;"', hostname: 'demo-web', networks: ['outside'] },
      'demo-logs': { ...peer, command: 'rsyslogd -n -i NONE', hostname: 'demo-logs', networks: ['outside'] },
      app,
    };
    door = await bringUpFile('compose-command', file, { services });
    const isUp = async () => (await curl('http://api.example.com/')).code === 0;
    await vi.waitUntil(isUp, { timeout: 20_000 });
  });
  afterAll(() => door.down());

  test.each([
    ['http://api.example.com/', 'api.example.com'],
    ['https://api.example.com/', 'api.example.com'],
    ['http://cache.example.com:8080/', 'cache.example.com'],
    ['https://x.wild.example.com:9443/', 'x.wild.example.com', '--insecure', '--connect-to', '::door:9443'],
    ['https://api.example.com/', 'api.example.com', '--proxy', 'http://door:3128'],
  ])('leads the app to %s', async (url, name, ...options) => {
    expect(await curl(...options, url)).toMatchObject({ code: 0, stdout: `demo-web answers for ${name}\n` });
  });

  test('leads the app to a log server over UDP', async () => {
    let sent = 0;
    // A datagram may be lost, as long as the log server is still starting.
    const arrived = async () => {
      const message = `message ${++sent} from inside`;
      await door.exec('app', 'logger', '--server', 'logs.example.com', '--port', '514', '--udp', message);
      return door.logs('demo-logs');
    };
    await expect.poll(arrived, { timeout: 20_000, interval: 500 }).toMatch(/message \d+ from inside/);
  });

  test('leads it nowhere else', async () => {
    expect(await curl('http://demo-web/')).toMatchObject({ code: expect.toBeOneOf(notResolved) });
    const joined = await inspect('app', '{{json .NetworkSettings.Networks}}');
    const networks = Object.keys(JSON.parse(joined) as object);
    expect(networks).toEqual([expect.stringMatching(/_inside$/)]);
    expect(await docker('network', 'inspect', '--format', '{{.Internal}}', ...networks)).toBe('true');

    const web = await inspect('demo-web', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}');
    expect(await curl(`http://${web}/`)).toMatchObject({ code: expect.toBeOneOf(notConnected) });
    const status = ['--output', '/dev/null', '--write-out', '%{http_connect}', '--proxy', 'http://door:3128'];
    expect(await curl(...status, 'https://other.example.com/')).toMatchObject({
      stdout: '403',
      output: expect.stringContaining('CONNECT tunnel failed'),
    });
  });

  test('is a door that is healthy, hardened and bounded', async () => {
    expect(await door.exec('door', 'healthcheck')).toMatchObject({ code: 0 });
    const { output } = await door.exec('door', 'sallyport', 'check');
    expect(output).toMatch(/No problem was found/);
    expect(output).not.toMatch(/Warnings/);
    const container = JSON.parse(await inspect('door', '{{json .}}')) as object;
    expect(container).toMatchObject({
      HostConfig: {
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges:true'],
        Sysctls: { 'net.ipv4.ip_forward': '0' },
        Memory: 256 * 1024 * 1024,
        PidsLimit: 128,
        RestartPolicy: { Name: 'unless-stopped' },
      },
      Config: { User: '65532:65532', Healthcheck: { Test: ['CMD', 'healthcheck'] } },
    });
  });

  test.each([
    [['api.test']],
    [['*.s3.test:443', '1.5e3:80', 'null:80', 'bücher.test:1-3']],
    [['192.0.2.1', '[2001:db8::1]:853:8853', '2001:db8::2/udp']],
    [['--proxy', '*.s3.test:443']],
    [['--dns', '--proxy', '*.s3.test:443', 'logs.test:514/udp']],
  ])('is a Compose file for %j', async (rules) => {
    const [program, ...first] = await composeCommand();
    const { code, output } = await run(program, [...first, '--file', await write(...rules), 'config']);
    expect([code, output]).toEqual([0, expect.stringContaining(`image: ${images.sallyport}`)]);
    expect(output).not.toMatch(/warning/i);
  });
});

describe.skipIf(noDocker)('what sallyport compose --dns prints', () => {
  let door: Composed;

  const curl = (...args: string[]) => door.exec('app', 'curl', '--silent', '--show-error', ...args);

  beforeAll(async () => {
    const file = await write('--dns', 'api.example.com:443', '*.s3.example.com:443');
    const [, dns] = /^# It finds the door with `dns: (\S+)`\.$/m.exec(await readFile(file, 'utf8')) ?? [];
    const aliases = ['api.example.com', 'photos.s3.example.com', 'other.example.com'];
    const web = {
      command: 'nginx -g "daemon off;"',
      hostname: 'demo-web',
      networks: { outside: { aliases } },
    };
    const services = { door: {}, 'demo-web': { ...peer, ...web }, app: { ...app, dns } };
    door = await bringUpFile('compose-dns', file, { services });
    const isUp = async () => (await curl('https://api.example.com/')).code === 0;
    await vi.waitUntil(isUp, { timeout: 20_000 });
  });
  afterAll(() => door.down());

  test('leads the app to a name and to a zone without an alias, and nowhere else', async () => {
    const { stdout } = await curl('https://api.example.com/', 'https://photos.s3.example.com/');
    expect(stdout).toBe('demo-web answers for api.example.com\ndemo-web answers for photos.s3.example.com\n');
    expect(await curl('https://other.example.com/')).toMatchObject({ code: 6 });
  });

  test('is a door that is healthy, and has no problem', async () => {
    expect(await door.exec('door', 'healthcheck')).toMatchObject({ code: 0 });
    const { output } = await door.exec('door', 'sallyport', 'check');
    expect(output).toMatch(/No problem was found/);
  });
});
