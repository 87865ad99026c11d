import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { type StartedTestContainer, Wait } from 'testcontainers';
import { describe, expect, onTestFinished, test } from 'vitest';

import { HTTP_PORT, PORT, type ToClient } from '../faults/protocol.ts';
import { served, unharmed, wrongsOf } from '../faults/suffer.ts';
import { type Client, clientOf, startActor } from '../faults/world.ts';
import { JoinedContainer } from '../helpers/container-joined.ts';
import { unprobedRelay } from '../helpers/container-relay.ts';
import { openWorld } from '../helpers/container-world.ts';
import { noDocker } from '../helpers/docker-engine.ts';
import { images } from '../helpers/docker-names.ts';
import { docker } from '../helpers/docker.ts';

const PROGRAMS = join(import.meta.dirname, '../faults');
const PATIENCE = { timeout: 30_000, interval: 200 };
const HOST = { wrap: (command: string, args: readonly string[]) => [command, args] as const };

/** The faults' target, by the Node of the relay's own image. */
const target = () =>
  new JoinedContainer(images.sallyport)
    .withEntrypoint(['node', '/faults/programs/target.ts'])
    .withCopyDirectoriesToContainer([{ source: PROGRAMS, target: '/faults' }])
    .withHealthCheck({
      test: ['CMD', 'node', '-e', `net.connect(${PORT}).once('error', () => process.exit(1)).end()`],
      interval: 200,
      retries: 100,
    })
    .withWaitStrategy(Wait.forHealthCheck());

interface Setting {
  readonly door: string;
  readonly client: Client;
  readonly outside: string;
  readonly target: StartedTestContainer;
  readonly startTarget: () => Promise<unknown>;
}

const pidOf = async (id: string) => Number(await docker('inspect', '--format', '{{.State.Pid}}', id));
/** Runs a program of the host's in the door's network. */
const inNetwork = async (id: string, ...command: string[]) =>
  execFileSync('nsenter', [`--net=/proc/${await pidOf(id)}/ns/net`, ...command], { encoding: 'utf8' });
const update =
  (...limits: string[]) =>
  ({ door }: Setting) =>
    docker('update', ...limits, door);

interface Fault {
  readonly name: string;
  /** How many files the door may open. */
  readonly files?: number;
  readonly inflict: (setting: Setting) => unknown;
  readonly mend?: (setting: Setting) => unknown;
  /** Whether nobody is served meanwhile. */
  readonly hitsAll?: boolean;
  /** Whether the target ends what lives, and its kernel sends FINs for it. */
  readonly isEnded?: boolean;
}

let rules = '';
const faults: readonly Fault[] = [
  { name: 'is left 64 MB', inflict: update('--memory=64m', '--memory-swap=64m') },
  { name: 'is left a fifth of a CPU', inflict: update('--cpus=0.2'), mend: update('--cpus=2') },
  { name: 'may start no more threads', inflict: update('--pids-limit=1'), mend: update('--pids-limit=1000') },
  {
    name: 'may open few files',
    files: 80,
    inflict: () => {},
  },
  {
    name: 'is paused',
    inflict: ({ door }) => docker('pause', door),
    mend: ({ door }) => docker('unpause', door),
    hitsAll: true,
  },
  {
    name: 'loses its outside network, and has it again',
    inflict: ({ outside, door }) => docker('network', 'disconnect', outside, door),
    mend: ({ outside, door }) => docker('network', 'connect', outside, door),
    hitsAll: true,
  },
  {
    name: 'has its target restarted',
    inflict: ({ target: its }) => docker('restart', '--time=0', its.getId()),
    hitsAll: true,
    isEnded: true,
  },
  {
    name: 'has its target recreated, at another address',
    inflict: ({ target: its }) => docker('rm', '--force', its.getId()),
    mend: ({ startTarget }) => startTarget(),
    hitsAll: true,
    isEnded: true,
  },
  {
    name: 'loses the DNS of the engine, and has it again',
    async inflict({ door }) {
      rules = await inNetwork(door, 'iptables-save', '--table=nat');
      await inNetwork(door, 'iptables', '--table=nat', '--flush');
    },
    async mend({ door }) {
      const net = `--net=/proc/${await pidOf(door)}/ns/net`;
      execFileSync('nsenter', [net, 'iptables-restore'], { input: rules });
    },
    hitsAll: true,
  },
];

describe.skipIf(noDocker)('a container', () => {
  test.each(faults)(
    'that $name serves again, and leaves nothing behind',
    async ({ inflict, mend = () => {}, hitsAll = false, isEnded = false, files = 1_024 }) => {
      const world = await openWorld();
      onTestFinished(() => world.close());
      const startTarget = () => world.start(target(), { outside: ['target'] });
      const first = await startTarget();
      const environment = {
        TARGET: `target:${PORT} target:${PORT}/udp target:${HTTP_PORT}`,
        UDP_TIMEOUT_MS: '1000',
        CONNECT_TIMEOUT_MS: '2000',
      };
      const relay = unprobedRelay(environment).withUlimits({ nofile: { soft: files, hard: files } });
      const started = await world.start(relay, { inside: ['target'], outside: [] });
      const door = started.getId();
      const pid = await pidOf(door);
      const descriptors = () => readdirSync(`/proc/${pid}/fd`).length;
      const rest = descriptors();
      const client = clientOf(await startActor<ToClient>(HOST, 'client'), {
        address: world.insideAddress(started),
        port: PORT,
        webPort: HTTP_PORT,
        name: 'target',
      });
      client.tell({ call: client.way });
      await served(client);

      const setting = { door, client, outside: world.outside, target: first, startTarget };
      await inflict(setting);
      if (!hitsAll) await served(client);
      await mend(setting);
      await served(client);

      const seen = await client.seen();
      client.tell({ stop: true });
      const allowed = { endings: isEnded ? ['FIN'] : [], isShort: isEnded };
      expect(wrongsOf(seen, allowed)).toEqual(unharmed);
      const status = async () =>
        JSON.parse((await started.exec(['sallyport', 'status', '--json'])).stdout) as {
          ports: { live: number; waiting: number }[];
        };
      const busy = async () =>
        (await status()).ports.reduce((sum, { live, waiting }) => sum + live + waiting, 0);
      await expect.poll(busy, PATIENCE).toBe(0);
      await expect.poll(descriptors, PATIENCE).toBeLessThanOrEqual(rest);
    },
    120_000,
  );
});
