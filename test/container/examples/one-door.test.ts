import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { notConnected, notResolved } from '../../helpers/container-curl.ts';
import { type DnsRecorder, recordDns } from '../../helpers/container-dns-recorder.ts';
import { bringUp, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';
import { images } from '../../helpers/docker-names.ts';
import { docker } from '../../helpers/docker.ts';
import { run } from '../../helpers/run.ts';
import { syslogTo } from '../../helpers/syslog.ts';

const DOOR = '10.53.1.53';

describe.skipIf(noDocker)('examples/one-door', () => {
  let example: Composed;

  const curl = (...args: string[]) =>
    example.exec('app', 'curl', '--silent', '--show-error', '--max-time', '5', ...args);
  const query = (sql: string) =>
    example.exec('app', 'psql', '--host=db.example.com', '--username=postgres', '-tA', `--command=${sql}`);

  beforeAll(async () => {
    example = await bringUp('one-door', { built: ['app', 'door', 'demo-db', 'demo-web', 'demo-logs'] });
    const isUp = async () =>
      (await query('SELECT 1')).code === 0 && (await curl('https://photos.s3.example.com/')).code === 0;
    await vi.waitUntil(isUp, { timeout: 40_000 });
  });
  afterAll(() => example.down());

  test('leads the app to a database by its name, without an alias', async () => {
    expect(await query('SELECT 6 * 7')).toMatchObject({ code: 0, stdout: '42\n' });
    const aliases = '{{range .NetworkSettings.Networks}}{{json .Aliases}}{{end}}';
    const known = await docker('inspect', '--format', aliases, await example.container('door'));
    expect(known).toContain('"door"');
    expect(known).not.toContain('example.com');
  });

  test('leads the app to a name below the wildcard by TLS, and to the others of that port', async () => {
    const { stdout } = await curl('https://photos.s3.example.com/', 'https://registry.example.com/');
    expect(stdout).toBe(
      'demo-web answers for photos.s3.example.com\ndemo-web answers for registry.example.com\n',
    );
  });

  test('has a message arrive at the log server over UDP', async () => {
    const log = syslogTo(example, 'demo-logs');
    await expect.poll(log, { timeout: 20_000, interval: 500 }).toMatch(/message \d+ from inside/);
  });

  test('is a forward proxy to the same names, and to no other', async () => {
    const proxy = ['--proxy', 'http://door:3128'];
    const { stdout } = await curl(...proxy, 'https://registry.example.com/');
    expect(stdout).toBe('demo-web answers for registry.example.com\n');
    const refused = await curl(...proxy, 'https://other.example.com/');
    expect(refused).toMatchObject({ code: 56, output: expect.stringMatching(/403/) });
  });

  test('knows no other name, and leads nobody to one', async () => {
    expect(await curl('https://other.example.com/')).toMatchObject({ code: 6 });
    expect(await curl('https://demo-web/')).toMatchObject({ code: expect.toBeOneOf(notResolved) });
    expect(await example.logs('door')).toContain('"protocol":"dns"');
    const misled = await curl('--connect-to', '::photos.s3.example.com:443', 'https://other.example.com/');
    expect(misled).toMatchObject({ code: 35, output: expect.stringMatching(/unrecognized name/) });
    const web = await example.address('demo-web');
    expect(await curl(`http://${web}/`)).toMatchObject({ code: expect.toBeOneOf(notConnected) });
  });

  test('is healthy', async () => {
    expect(await example.exec('door', 'healthcheck')).toMatchObject({ code: 0 });
    expect((await example.exec('door', 'sallyport', 'status')).stdout).toMatch(/DNS on port 53: [1-9]\d* /);
  });

  describe("the app's questions", () => {
    let recorder: DnsRecorder;

    beforeAll(async () => {
      recorder = await recordDns();
    });
    afterAll(() => recorder.stop());

    /** Asks Docker's DNS as a container of that network does. */
    const dig = (network: 'inside' | 'outside', dns: readonly string[], ...args: string[]) => {
      const inNetwork = ['run', '--rm', '--network', `${example.project}_${network}`, ...dns];
      return run('docker', [...inNetwork, images.peers, 'dig', '+tries=1', '+time=2', ...args]);
    };

    /** Resolves once the recorder has seen a question that does get out, and so all that were asked before it. */
    const seenUpTo = async (control: string) => {
      const isSeen = async () => {
        await dig('outside', [], control);
        return (await recorder.questions()).some(({ name, to }) => name === control && to !== DOOR);
      };
      await vi.waitUntil(isSeen, { timeout: 30_000, interval: 100 });
      return recorder.questions();
    };

    test('reach the door, and nobody else', async () => {
      const id = randomUUID();
      const secret = `secret-${id}`;
      await seenUpTo(`before-${id}.example.net`);
      for (const name of ['example.net', 'example.com', 's3.example.com', 'db.example.com'])
        await example.exec('app', 'getent', 'ahosts', `${secret}.${name}`);
      const questions = ['AAAA', 'TXT', 'MX', 'ANY', 'HTTPS', 'NULL'].flatMap((type) => [
        `${secret}.${type}.example.net`,
        type,
      ]);
      await dig('inside', ['--dns', DOOR], ...questions, secret, 'A');
      await dig('inside', ['--dns', DOOR], '+tcp', `${secret}.tcp.example.net`);

      const seen = (await seenUpTo(`after-${id}.example.net`)).filter(({ name }) => name.startsWith(secret));
      expect(new Set(seen.map(({ to }) => to))).toEqual(new Set([DOOR]));
      expect(seen.map(({ name, type }) => `${name} ${type}`)).toEqual(
        expect.arrayContaining([
          `${secret}.s3.example.com A`,
          `${secret}.AAAA.example.net AAAA`,
          `${secret}.example.net A`,
          `${secret}.TXT.example.net TXT`,
          `${secret}.tcp.example.net A`,
        ]),
      );
    });
  });
});
