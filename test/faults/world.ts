import { type ChildProcess, execFile, type Serializable, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';

import { expect, onTestFinished } from 'vitest';

import { readProcess } from '../../soak/measure/process.ts';
import { type Daemon, startDaemon } from '../helpers/daemon.ts';
import { type Namespace, openStar } from '../helpers/namespaces.ts';
import { optionsOf, statusIn, temporaryDirectory } from '../helpers/program.ts';
import {
  type Answers,
  HTTP_PORT,
  PORT,
  type Seen,
  type TargetBehaviour,
  type ToClient,
  type Way,
} from './protocol.ts';

type Environment = Readonly<Record<string, string>>;

const ROOT = join(import.meta.dirname, '../..');
/** Which network is whose; the door is in the middle, and reached at `10.83.N.1`. */
const LEAVES = { goodTarget: 1, badTarget: 2, goodClient: 3, badClient: 4, nameserver: 5 } as const;

/** The networks, by whose they are; `door` is the one in the middle. */
export type Where = keyof typeof LEAVES | 'door';

/** Where the good target is, where the bad one is, and where that moves to. */
export const ADDRESSES = { good: '10.83.1.2', bad: '10.83.2.2', moved: '10.83.2.3' } as const;

/** What the nameserver knows: bad.test at these addresses. */
export function namesWith(...bad: readonly string[]): Answers['names'] {
  return { 'good.test': [ADDRESSES.good], 'bad.test': bad };
}

/** A program of test/faults/programs, in a network of its own. */
export interface Actor<Told> {
  readonly pid: () => number;
  readonly tell: (message: Told) => void;
  readonly ask: () => Promise<unknown>;
  readonly kill: () => Promise<void>;
  /** Another of its kind takes its place. */
  readonly restart: () => Promise<void>;
}

/** What the door holds when nobody uses it. */
export interface Rest {
  readonly descriptors: number;
  readonly timers: number;
  readonly live: number;
  readonly waiting: number;
}

/** A built relay, its sockets, and what it says. */
export interface Door extends Daemon {
  readonly runDir: string;
  readonly rest: () => Promise<Rest>;
  /** In bytes, after a collection. */
  readonly residentMemory: () => Promise<number>;
}

/** A door between two clients and two targets: what goes wrong hits the bad ones, and the good client, which goes to the good target, is not to notice. */
export interface World {
  /** Of the door. */
  readonly environment: Environment;
  /** The one that clients use. */
  door: Door;
  readonly target: { readonly good: Actor<TargetBehaviour>; readonly bad: Actor<TargetBehaviour> };
  readonly client: { readonly good: Client; readonly bad: Client };
  readonly nameserver: Actor<Answers>;
  /** Runs a command to its end in one of the networks; rejects where it fails. */
  readonly run: (where: Where, command: string, ...args: readonly string[]) => Promise<string>;
  /** Has one run there beside the test. */
  readonly start: (
    where: Where,
    command: string,
    args: readonly string[],
    options: Parameters<typeof startDaemon>[2],
  ) => Promise<Daemon>;
  /** Another door in place of the one that clients use, which has ended. */
  readonly restartDoor: () => Promise<void>;
}

/** What a client has seen, now or as soon as it is so. */
export interface Client extends Actor<ToClient> {
  readonly way: Way;
  readonly seen: () => Promise<Seen>;
}

/** Whether the kernel is in front of the door's relays. */
export const HAS_LANES = process.env['TEST_LANE'] === '1';
/** The kernel's lanes tell names apart by port alone. */
const BAD_WEB = HAS_LANES ? HTTP_PORT + 1 : HTTP_PORT;

/** What every door has; good.test and bad.test are told apart by their ports, and on HTTP's by what is asked for. */
const ENVIRONMENT: Environment = {
  TARGET: `good.test:${PORT} bad.test:${PORT + 1}:${PORT} good.test:${PORT}/udp bad.test:${PORT + 1}:${PORT}/udp good.test:${HTTP_PORT} bad.test:${BAD_WEB}:${HTTP_PORT}`,
  PRE_RESOLVE: '1',
  NAMESERVERS: '10.83.5.2',
  UDP_TIMEOUT_MS: '1000',
  CONNECT_TIMEOUT_MS: '2000',
  DNS: '1',
  MAX_CONNECTIONS: '1000',
};

/** Bare sockets in one thread, and no kernel in front of them, unless the project says other. */
const DATA_PLANE = {
  options: process.env['TEST_SOCKETS'] === 'streams' ? ['--no-experimental-ffi'] : [],
  environment: {
    WORKERS: process.env['TEST_WORKERS'] ?? '1',
    FAST_LANE: HAS_LANES ? '1' : '0',
  },
};

/** What docs/fast-lane.md has set in the door's network. */
const FOR_LANES = ['net.ipv4.ip_forward=1', 'net.netfilter.nf_conntrack_tcp_be_liberal=1'];

/** What is special about a door. */
export interface DoorOptions {
  readonly environment?: Environment;
  /** A redirection of its standard output, for the shell. */
  readonly output?: string;
  /** What is done in its network before, by the shell. */
  readonly setUp?: string;
}

/** Networks of their own, joined by the door's: two targets, two clients and a nameserver. They go with the test. */
export async function openWorld(
  { environment: changes = {}, output = '', setUp = 'true' }: DoorOptions = {},
  answers = 'truth',
): Promise<World> {
  const star = await openStar(Object.keys(LEAVES).length);
  const namespaceOf = (where: Where): Namespace =>
    where === 'door' ? star.center : (star.leaves[LEAVES[where] - 1] as Namespace);
  const run = async (where: Where, command: string, ...args: readonly string[]) =>
    (await promisify(execFile)(...namespaceOf(where).wrap(command, args))).stdout;
  await run('badTarget', 'ip', 'address', 'add', `${ADDRESSES.moved}/24`, 'dev', 'cable');
  const actor = <Told extends Serializable>(where: Where, program: string, ...args: readonly string[]) =>
    startActor<Told>(namespaceOf(where), program, args);
  const [nameserver, good, bad, goodClient, badClient] = await Promise.all([
    actor<Answers>('nameserver', 'nameserver'),
    actor<TargetBehaviour>('goodTarget', 'target', ADDRESSES.good),
    actor<TargetBehaviour>('badTarget', 'target', ADDRESSES.bad, ADDRESSES.moved),
    actor<ToClient>('goodClient', 'client'),
    actor<ToClient>('badClient', 'client'),
  ]);
  nameserver.tell({ by: answers, names: namesWith(ADDRESSES.bad) });
  const environment = { ...ENVIRONMENT, ...DATA_PLANE.environment, ...changes };
  if (HAS_LANES) await run('door', 'sysctl', '--write', ...FOR_LANES);
  await run('door', 'sh', '-c', setUp);
  const startDoor = () => startDoorIn(star.center, environment, output);
  const world: World = {
    environment,
    door: await startDoor(),
    target: { good, bad },
    client: {
      good: clientOf(goodClient, { address: '10.83.3.1', port: PORT, webPort: HTTP_PORT, name: 'good.test' }),
      bad: clientOf(badClient, { address: '10.83.4.1', port: PORT + 1, webPort: BAD_WEB, name: 'bad.test' }),
    },
    nameserver,
    run,
    start: (where, command, args, options) => startDaemon(...namespaceOf(where).wrap(command, args), options),
    restartDoor: async () => void (world.door = await startDoor()),
  };
  return world;
}

/** A client that calls there when it is told to. */
export function clientOf(actor: Actor<ToClient>, way: Way): Client {
  return { ...actor, way, seen: async () => (await actor.ask()) as Seen };
}

/** Starts a program of test/faults/programs in a network; it ends with the test. */
export async function startActor<Told extends Serializable>(
  { wrap }: Namespace,
  program: string,
  args: readonly string[] = [],
): Promise<Actor<Told>> {
  const file = join(import.meta.dirname, `programs/${program}.ts`);
  let child: ChildProcess;
  const start = async () => {
    child = spawn(...(wrap(process.execPath, [file, ...args]) as [string, string[]]), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    await once(child, 'message');
  };
  onTestFinished(() => kill(child));
  await start();
  return {
    pid: () => child.pid ?? 0,
    tell: (message) => void child.send(message),
    async ask() {
      const answered = once(child, 'message');
      child.send('tell');
      return ((await answered) as [unknown])[0];
    },
    kill: () => kill(child),
    async restart() {
      await kill(child);
      await start();
    },
  };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function startDoorIn({ wrap }: Namespace, environment: Environment, output: string): Promise<Door> {
  const runDir = environment['SALLYPORT_RUN_DIR'] ?? temporaryDirectory();
  const inside = join(temporaryDirectory(), 'inside');
  const preload = ['--expose-gc', `--require=${join(import.meta.dirname, 'programs/inside.cjs')}`];
  const options = [...preload, ...DATA_PLANE.options, ...optionsOf('sallyport')];
  const program = [process.execPath, ...options, join(ROOT, 'dist/sallyport.js')];
  const shell = ['-c', `echo starts; exec "$@" ${output}`, 'sh'];
  const daemon = await startDaemon(...wrap('sh', [...shell, ...program]), {
    env: { PATH: process.env['PATH'] ?? '', SALLYPORT_RUN_DIR: runDir, INSIDE: inside, ...environment },
    ready: 'starts',
  });
  const ports = async () => (await statusIn(runDir)).ports;
  await expect.poll(() => ports().catch(() => []), { timeout: 20_000 }).not.toEqual([]);
  if (HAS_LANES) await expect.poll(async () => (await statusIn(runDir)).fastLane?.lanes).toBeGreaterThan(0);
  const look = async () => (await json(connect(inside))) as { timers: number };
  return {
    ...daemon,
    runDir,
    async rest() {
      const { timers } = await look();
      const all = await ports();
      return {
        descriptors: readProcess(daemon.pid)?.descriptors ?? NaN,
        timers,
        live: all.reduce((sum, { live }) => sum + live, 0),
        waiting: all.reduce((sum, { waiting }) => sum + waiting, 0),
      };
    },
    async residentMemory() {
      await look();
      return readProcess(daemon.pid)?.rss ?? NaN;
    },
  };
}
