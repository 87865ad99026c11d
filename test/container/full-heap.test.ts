import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { getContainerRuntimeClient, type StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { unprobedRelay } from '../helpers/container-relay.ts';
import { openWorld, type World } from '../helpers/container-world.ts';
import { noDocker } from '../helpers/docker-engine.ts';
import { images } from '../helpers/docker-names.ts';
import { docker } from '../helpers/docker.ts';
import { run } from '../helpers/run.ts';

/** Each thread tells its limit in MB; upon SIGWINCH one of them fills its heap as a leak would. */
const LEAK = `const { threadId, isMainThread } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const limit = require('node:v8').getHeapStatistics().heap_size_limit / 2 ** 20;
writeSync(2, 'heap of thread ' + threadId + ': ' + limit + '\\n');
const signal = new BroadcastChannel('signal').unref();
const kept = [];
const leak = () => setInterval(() => kept.push(Array.from({ length: 50_000 }, (_, i) => ({ i }))), 1);
if (isMainThread) process.on('SIGWINCH', () => (process.env.LEAKS === '0' ? leak() : signal.postMessage('now')));
else if (threadId === Number(process.env.LEAKS)) signal.onmessage = leak;`;

describe.skipIf(noDocker)('in a container of little memory', () => {
  let world: World;
  let folder: string;

  beforeAll(async () => {
    world = await openWorld();
    folder = await mkdtemp(path.join(tmpdir(), 'sallyport-'));
    await writeFile(path.join(folder, 'leak.cjs'), LEAK, { mode: 0o644 });
  });
  afterAll(async () => {
    await world.close();
    await rm(folder, { recursive: true });
  });

  /** A relay with the image's own options for Node, and a thread that can leak. */
  async function leaky(
    megabytes: number,
    environment: Record<string, string>,
  ): Promise<StartedTestContainer> {
    const format = '{{range .Config.Env}}{{println .}}{{end}}';
    const own = await docker('image', 'inspect', '--format', format, images.sallyport);
    const options = /^NODE_OPTIONS=(.*)$/m.exec(own)?.[1] ?? '';
    const door = unprobedRelay({
      TARGET: '127.0.0.1',
      PORT: '80:9',
      NODE_OPTIONS: `${options} --require=/leak.cjs`,
      ...environment,
    })
      .withResourcesQuota({ memory: megabytes / 1024 })
      .withBindMounts([{ source: path.join(folder, 'leak.cjs'), target: '/leak.cjs', mode: 'ro' }]);
    return world.start(door, { outside: [] });
  }

  async function endedOf(door: StartedTestContainer) {
    const { container } = await getContainerRuntimeClient();
    await container.getById(door.getId()).wait();
    const state = await docker('inspect', '--format', '{{json .State}}', door.getId());
    return JSON.parse(state) as { readonly OOMKilled: boolean; readonly ExitCode: number };
  }

  const outputOf = async (door: StartedTestContainer) => (await run('docker', ['logs', door.getId()])).output;

  test.each([128, 256, 1024])('of %i MB the heaps of all threads together leave a tenth', async (memory) => {
    const door = await leaky(memory, { WORKERS: '2' });
    const limits = [...(await outputOf(door)).matchAll(/^heap of thread \d+: (\S+)/gm)].map(([, mb]) =>
      Number(mb),
    );
    expect(limits).toHaveLength(3);
    expect(limits.reduce((sum, each) => sum + each)).toBeLessThan(memory * 0.9);
  });

  test.each([
    ['the one thread', 64, { WORKERS: '1', LEAKS: '0' }],
    ['the main thread', 128, { WORKERS: '2', LEAKS: '0' }],
    ['a worker', 128, { WORKERS: '2', LEAKS: '2' }],
    ['a worker', 256, { WORKERS: '2', LEAKS: '2' }],
  ])(
    '%s with a full heap, of %i MB, says so and is not killed by the kernel',
    async (_, memory, environment) => {
      const door = await leaky(memory, environment);
      await docker('kill', '--signal', 'WINCH', door.getId());
      const { OOMKilled, ExitCode } = await endedOf(door);
      expect({ OOMKilled, isFailure: ExitCode > 0 }).toEqual({ OOMKilled: false, isFailure: true });
      expect(await outputOf(door)).toContain('heap out of memory');
    },
  );
});
