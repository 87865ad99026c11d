import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { makeCertificates } from '../helpers/container-certificates.ts';
import { app, nginx } from '../helpers/container-peers.ts';
import { processStatus } from '../helpers/container-process.ts';
import { relay } from '../helpers/container-relay.ts';
import { openWorld, type World } from '../helpers/container-world.ts';
import { noDocker } from '../helpers/docker-engine.ts';

describe.skipIf(noDocker)('read-only, without capabilities, without new privileges', () => {
  let world: World;
  let client: StartedTestContainer;
  let door: StartedTestContainer;
  let folder: string;

  beforeAll(async () => {
    world = await openWorld();
    folder = await mkdtemp(path.join(tmpdir(), 'sallyport-'));
    client = await world.start(app(), { inside: [] });
    const certificates = await makeCertificates(client, 'target');
    const ca = path.join(folder, 'ca.pem');
    await writeFile(ca, certificates.ca, { mode: 0o644 });
    await world.start(nginx('alive', certificates), { outside: ['target'] });
    const environment = {
      TARGET: 'target',
      PORT: '80 443',
      HTTP_HEALTHCHECK: '1',
      HTTP_HEALTHCHECK_URL: 'https://$TARGET/',
      NODE_EXTRA_CA_CERTS: '/ca.pem',
      ADMIN_PORT: '9464',
      ADMIN_HOST: '0.0.0.0',
    };
    const hardened = relay(environment)
      .withReadOnlyRoot()
      .withDroppedCapabilities('ALL')
      .withSecurityOpt('no-new-privileges')
      .withBindMounts([{ source: ca, target: '/ca.pem', mode: 'ro' }]);
    door = await world.start(hardened, { inside: ['api.example.com'], outside: [] });
  });
  afterAll(async () => {
    await world.close();
    await rm(folder, { recursive: true });
  });

  const curl = (...args: string[]) => client.exec(['curl', '--silent', '--cacert', '/ca/ca.pem', ...args]);

  test('relays ports 80 and 443', async () => {
    expect((await curl('http://api.example.com/')).stdout).toBe('alive');
    expect((await curl('--connect-to', 'target:443:api.example.com:443', 'https://target/')).stdout).toBe(
      'alive',
    );
  });

  test('tells metrics and readiness where ADMIN_HOST lets it', async () => {
    expect((await curl('http://api.example.com:9464/readyz')).stdout).toBe('ready\n');
    expect((await curl('http://api.example.com:9464/metrics')).stdout).toContain('sallyport_info{');
  });

  test('passes its healthcheck, with a TLS probe that trusts a private CA', async () => {
    expect(await door.exec(['healthcheck'])).toMatchObject({ exitCode: 0 });
  });

  test('has its control socket in the shared memory, the one place that it can write to', async () => {
    const { stdout } = await door.exec(['node', '-p', "fs.readdirSync('/dev/shm/sallyport')"]);
    expect(stdout).toMatch(/control\.sock/);
  });

  test('lets nobody else into its run directory', async () => {
    const script =
      'const of = (path) => { const { mode, uid } = fs.statSync(path); return [mode & 0o777, uid]; }';
    const { stdout } = await door.exec([
      'node',
      '-p',
      `${script}; JSON.stringify([of('/run'), of('/run/sallyport')])`,
    ]);
    expect(JSON.parse(stdout)).toEqual([
      [0o755, 0],
      [0o700, 65_532],
    ]);
  });

  test('makes no code from text, and has no __proto__', async () => {
    const script = (text: string) => door.exec(['node', '-e', text]);
    expect((await script("eval('1')")).output).toContain('EvalError');
    expect((await script('({}).__proto__')).output).toContain('ERR_PROTO_ACCESS');
  });

  test('runs as a user without privileges', async () => {
    const { Uid, Gid, CapEff, CapBnd, NoNewPrivs } = await processStatus(door);
    const none = expect.stringMatching(/^0+$/);
    expect({ Uid, Gid, CapEff, CapBnd, NoNewPrivs }).toEqual({
      Uid: '65532\t65532\t65532\t65532',
      Gid: '65532\t65532\t65532\t65532',
      CapEff: none,
      CapBnd: none,
      NoNewPrivs: '1',
    });
  });
});
