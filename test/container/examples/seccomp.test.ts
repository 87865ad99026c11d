import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { bringUp, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';
import { images } from '../../helpers/docker-names.ts';
import { docker } from '../../helpers/docker.ts';
import { repository, run } from '../../helpers/run.ts';
import { syslogTo } from '../../helpers/syslog.ts';

const URL = 'http://web.example.com/';

/** Calls that the engine's own profile lets through, by name: whether the profile refuses each (EPERM). */
const TRY = `
const { functions: c, lib } = process.getBuiltinModule('node:ffi').dlopen(null, {
  ptrace: { arguments: ['int32', 'int32', 'uint64', 'uint64'], return: 'int64' },
  memfd_create: { arguments: ['string', 'int32'], return: 'int32' },
  personality: { arguments: ['uint64'], return: 'int32' },
  vmsplice: { arguments: ['int32', 'uint64', 'uint64', 'int32'], return: 'int64' },
  socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
  __errno_location: { arguments: [], return: 'pointer' },
});
const errno = new Int32Array(process.getBuiltinModule('node:ffi').toArrayBuffer(c.__errno_location(), 4, false));
const refuses = (call) => Number(call()) === -1 && errno[0] === os.constants.errno.EPERM;
const AF_ALG = 38;
console.log(JSON.stringify({
  memfd_create: refuses(() => c.memfd_create('x', 0)),
  personality: refuses(() => c.personality(0n)),
  vmsplice: refuses(() => c.vmsplice(-1, 0n, 0n, 0)),
  AF_ALG: refuses(() => c.socket(AF_ALG, 5, 0)),
  AF_INET: refuses(() => c.socket(2, 1, 0)),
  fork: child_process.spawnSync('node', ['--version']).error?.code === 'EPERM',
  ptrace: refuses(() => c.ptrace(0, 0, 0n, 0n)),
}));`;

describe.skipIf(noDocker)('examples/seccomp', () => {
  let example: Composed;

  const curl = (...args: string[]) =>
    example.exec('app', 'curl', '--silent', '--show-error', '--max-time', '5', ...args, URL);

  beforeAll(async () => {
    const profile = path.join(repository, 'examples/seccomp/seccomp.json');
    const built = ['app', 'door', 'demo-web', 'demo-logs'];
    example = await bringUp('seccomp', { built }, { SECCOMP_PROFILE: profile });
    await vi.waitUntil(async () => (await curl()).code === 0, { timeout: 40_000 });
  });
  afterAll(() => example.down());

  test('relays TCP in two threads to a name of its own DNS', async () => {
    const { stdout } = await curl('--header', 'Connection: close', ...Array.from({ length: 9 }, () => URL));
    expect(stdout).toBe('demo-web answers for web.example.com\n'.repeat(10));
  });

  test('relays UDP', async () => {
    const log = syslogTo(example, 'demo-logs');
    await expect.poll(log, { timeout: 20_000, interval: 500 }).toMatch(/message \d+ from inside/);
  });

  test('is healthy, and tells its status', async () => {
    expect(await example.exec('door', 'healthcheck')).toMatchObject({ code: 0 });
    expect(await example.exec('door', 'sallyport', 'status')).toMatchObject({ code: 0 });
  });

  test('is refused by the kernel what a relay does not need, and the engine allows', async () => {
    const refused = await example.exec('door', 'node', '-e', TRY);
    expect(JSON.parse(refused.stdout)).toEqual({
      memfd_create: true,
      personality: true,
      vmsplice: true,
      AF_ALG: true,
      AF_INET: false,
      fork: true,
      ptrace: true,
    });
    const hardened = ['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--entrypoint', 'node'];
    const allowed = await run('docker', ['run', '--rm', ...hardened, images.sallyport, '-e', TRY]);
    expect(Object.values(JSON.parse(allowed.stdout) as object)).not.toContain(true);
  });

  test('lets what lives finish after SIGTERM', async () => {
    const id = await example.container('door');
    await example.command('stop', 'door');
    expect(await docker('inspect', '--format', '{{.State.ExitCode}}', id)).toBe('0');
    expect(await docker('logs', id)).toContain('"msg":"stopped"');
  });
});
