import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { openCpuMeter } from '../measure/cpu.ts';
import { sallyport } from '../peers/sallyport.ts';
import { launch } from '../world/launch.ts';
import { listening } from '../world/place.ts';
import type { World } from '../world/world.ts';
import { healthcheckCpu } from './healthcheck.ts';
import { type Image, measureImage } from './image.ts';

/** What is asked of something that runs beside every app; null where it could not be measured. */
export interface Small {
  /** CPU time at rest, in %, and over how many s. */
  readonly restCpu: number;
  readonly restSeconds: number;
  /** Of one healthcheck without probes, in ms. */
  readonly healthcheckCpu: number;
  readonly image: Image | null;
  /** docker-whitelist's. */
  readonly itsImage: Image | null;
}

interface Options {
  readonly world: World;
  readonly node: string;
  /** How long it is watched at rest. */
  readonly seconds: number;
  /** The relay's, where there is one. */
  readonly image: string;
  /** Ends what is running when the whole bench ends. */
  readonly stack: DisposableStack;
}

const DOCKER_WHITELIST = 'tecnativa/whitelist';
const SETTLE = 3_000; // ms

/** Measures a relay that has nothing to do, its healthcheck, and the images that a Docker engine here has. */
export async function measureSmall({ world, node, seconds, image, stack: whole }: Options): Promise<Small> {
  using stack = whole.use(new DisposableStack());
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const [listen, port] = [await world.freePort(), await world.freePort()];
  const at = { address: world.relay.address, listen };
  const route = { ...at, transport: 'tcp', host: world.server.address, port, connections: 100 } as const;
  const { command, env = {} } = sallyport({ name: 'sallyport' }, { node }).start?.(route, directory) ?? {};
  if (command === undefined) throw new Error('there is nothing to start');
  const meter = openCpuMeter(`small-${listen}`);
  stack.defer(() => meter.close());
  const relay = launch(world.relay, command, { env, cgroup: meter.cgroup });
  stack.defer(() => relay.kill());
  await listening(world.relay, { protocol: 'tcp', port: listen });

  await wait(SETTLE);
  const before = meter.read([relay.pid]);
  await wait(seconds * 1000);
  const restCpu = ((meter.read([relay.pid]) - before) / seconds) * 100;
  const healthcheck = await healthcheckCpu(world.relay, env);
  relay.kill();
  await relay.ended;
  return {
    restCpu,
    restSeconds: seconds,
    healthcheckCpu: healthcheck,
    image: measureImage(image),
    itsImage: measureImage(DOCKER_WHITELIST),
  };
}
