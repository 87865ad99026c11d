import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { test, vi } from 'vitest';

import { fifo } from '../helpers/fifo.ts';
import { temporaryDirectory } from '../helpers/program.ts';
import { type Fault, suffer } from './suffer.ts';
import type { DoorOptions, World } from './world.ts';

const signal =
  (name: NodeJS.Signals) =>
  ({ door }: World) =>
    void process.kill(door.pid, name);

/** Ends the door, and resolves when it has ended. */
const end = (name: NodeJS.Signals) => async (world: World) => {
  signal(name)(world);
  await world.door.ended;
};

/** A pipe that is full, and nobody reads it. */
function fullPipe(): string {
  const { path, fill } = fifo();
  fill();
  return path;
}

const OUTPUTS: readonly (readonly [string, () => DoorOptions])[] = [
  ['takes nothing (ENOSPC)', () => ({ output: '>/dev/full' })],
  [
    'is a disk that becomes full',
    () => ({ output: '>/mnt/log', setUp: 'mount -t tmpfs -o size=4k tmpfs /mnt' }),
  ],
  ['is a pipe that nobody reads', () => ({ output: `>${fullPipe()}` })],
  ['is closed', () => ({ output: '>&-' })],
];

/** A door whose clock is what a file says. */
function clockDoor() {
  const file = join(temporaryDirectory(), 'time');
  writeFileSync(file, '+0');
  return {
    LD_PRELOAD: '/usr/$LIB/faketime/libfaketimeMT.so.1',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}

/** When the door wrote its last line, in ms. */
function lastTime({ door }: World): number {
  const line = door.output().trimEnd().split('\n').at(-1) ?? '';
  return Date.parse((JSON.parse(line) as { readonly time: string }).time);
}

const PROGRAM = join(import.meta.dirname, '../../dist/sallyport.js');
const HOARD = join(import.meta.dirname, '../helpers/programs/hoard.cjs');
const DAY = 86_400_000;
const clocks: readonly Fault[] = [
  ['forth', DAY],
  ['back', -DAY],
].map(([way, by]) => ({
  name: `has its clock put ${way} by a day`,
  door: () => ({ environment: clockDoor() }),
  async inflict(world: World) {
    const { environment } = world;
    writeFileSync(
      environment['FAKETIME_TIMESTAMP_FILE'] ?? '',
      `${Number(by) > 0 ? '+' : ''}${Number(by) / 1_000}`,
    );
    await vi.waitUntil(
      async () => {
        // It is refused, and so there is a line.
        await world.run('badClient', 'dig', '+short', '@10.83.4.1', `n${Math.random()}.test`);
        return Math.abs(lastTime(world) - Date.now() - Number(by)) < DAY / 24;
      },
      { timeout: 20_000 },
    );
  },
  isHarmless: true,
}));

const faults: readonly Fault[] = [
  { name: 'is stopped, and goes on', inflict: signal('SIGSTOP'), mend: signal('SIGCONT'), hitsAll: true },
  ...(['SIGKILL', 'SIGTERM', 'SIGABRT'] as const).map((name) => ({
    name: `ends by ${name}, and another takes its place`,
    door: () => ({ environment: { DRAIN_TIMEOUT_MS: '1000' } }),
    inflict: end(name),
    mend: ({ restartDoor }: World) => restartDoor(),
    hitsAll: true,
  })),
  {
    name: 'has a thread that runs out of heap, and another takes its place',
    door: () => ({ environment: { NODE_OPTIONS: `--require=${HOARD} --max-old-space-size=48` } }),
    inflict: end('SIGWINCH'),
    mend: ({ restartDoor }) => restartDoor(),
    hitsAll: true,
  },
  {
    name: 'is in a blackout for a while',
    inflict: signal('SIGUSR2'),
    shows: ({ stream }) => stream.endings.includes('ECONNRESET'),
    mend: signal('SIGHUP'),
    hitsAll: true,
  },
  ...OUTPUTS.map(([what, output]) => ({
    name: `has a standard output that ${what}`,
    door: () => ({ environment: { VERBOSE: '1' }, ...output() }),
    inflict: () => {},
    isHarmless: true,
  })),
  ...clocks,
  {
    name: 'finds its run directory read-only',
    inflict: ({ run, door }) =>
      run(
        'door',
        'sh',
        '-c',
        `mount --bind ${door.runDir} ${door.runDir} && mount -o remount,bind,ro ${door.runDir}`,
      ),
    isHarmless: true,
  },
  {
    name: 'sees another start with its run directory',
    async inflict({ start, door }) {
      const env = { TARGET: '127.0.0.1', PORT: '9000', SALLYPORT_RUN_DIR: door.runDir };
      const ready = `owns ${door.runDir}`;
      await start('door', process.execPath, [PROGRAM], { env, ready });
    },
    isHarmless: true,
  },
];

test.each(faults)('a door that $name', (fault) => suffer(fault));
