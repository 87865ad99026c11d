import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import {
  optionsOf,
  type Sallyport,
  startSallyport,
  statusIn,
  temporaryDirectory,
} from '../helpers/program.ts';
import { closedPort } from '../helpers/sockets.ts';

const OFF = 'the control socket is off: the healthcheck cannot ask this relay, only watch its ports';
const NO_LOCK = 'the run directory has no lock: relays that start at the same moment may share it';
const WITHOUT_C = [...optionsOf('sallyport'), '--no-experimental-ffi'];

/** A relay that listens, with a run directory that others have as well. */
async function relayIn(runDir: string, environment = {}, options = optionsOf('sallyport')) {
  const port = await closedPort();
  const relay = startSallyport(
    { TARGET: '127.0.0.1', PORT: `${port}:1`, SALLYPORT_RUN_DIR: runDir, ...environment },
    { options },
  );
  await relay.line('listening');
  return { relay, port, problem: relay.lines.find(({ msg }) => msg === OFF)?.['err'] };
}

/** The port of the relay that answers in a run directory. */
async function portOfOwner(runDir: string): Promise<number | undefined> {
  return (await statusIn(runDir)).ports[0]?.port;
}

async function kill({ process, ended }: Sallyport): Promise<void> {
  process.kill('SIGKILL');
  await ended;
}

test.each([
  { WORKERS: '1', options: optionsOf('sallyport'), owner: /process \d+ on \S+, since \S+Z/ },
  { WORKERS: '2', options: optionsOf('sallyport'), owner: /process \d+ on \S+, since \S+Z/ },
  { WORKERS: '1', options: WITHOUT_C, owner: /which takes connections at \S+/ },
])(
  'a run directory has one owner, even while that one is stopped: %j',
  async ({ WORKERS, options, owner }) => {
    const runDir = temporaryDirectory();
    const first = await relayIn(runDir, { WORKERS }, options);
    expect(first.problem).toBe(undefined);
    expect(first.relay.lines.some(({ msg }) => msg === NO_LOCK)).toBe(options === WITHOUT_C);

    first.relay.process.kill('SIGSTOP');
    const second = await relayIn(runDir, { WORKERS }, options);
    expect(second.problem).toMatch(owner);
    expect(second.problem).toContain(`owns ${runDir}`);
    expect(second.problem).toContain('SALLYPORT_RUN_DIR');
    first.relay.process.kill('SIGCONT');
    expect(await portOfOwner(runDir)).toBe(first.port);

    await kill(second.relay);
    expect(await portOfOwner(runDir)).toBe(first.port);
    await kill(first.relay);
    const third = await relayIn(runDir, { WORKERS }, options);
    expect(third.problem).toBe(undefined);
    expect(await portOfOwner(runDir)).toBe(third.port);
  },
);

test('the owner is named', async () => {
  const runDir = temporaryDirectory();
  const first = await relayIn(runDir);
  const second = await relayIn(runDir);
  expect(second.problem).toContain(`(process ${first.relay.process.pid} on `);
});

test('a relay with no way to lock is an owner to one that has, and the other way round', async () => {
  for (const [one, other] of [
    [WITHOUT_C, optionsOf('sallyport')],
    [optionsOf('sallyport'), WITHOUT_C],
  ]) {
    const runDir = temporaryDirectory();
    const first = await relayIn(runDir, {}, one);
    const second = await relayIn(runDir, {}, other);
    expect([first.problem, second.problem]).toEqual([undefined, expect.stringContaining('another relay')]);
    expect(await portOfOwner(runDir)).toBe(first.port);
  }
});

test('of relays that start together where one was killed, one becomes the owner', async () => {
  const runDir = temporaryDirectory();
  await kill((await relayIn(runDir)).relay);
  const relays = await Promise.all(Array.from({ length: 6 }, () => relayIn(runDir)));
  const owners = relays.filter(({ problem }) => problem === undefined);
  expect(owners.map(({ port }) => port)).toEqual([await portOfOwner(runDir)]);
});

test('a run directory is given up at a stop', async () => {
  const runDir = temporaryDirectory();
  const first = await relayIn(runDir);
  first.relay.process.kill('SIGTERM');
  expect((await first.relay.ended).code).toBe(0);
  const second = await relayIn(runDir);
  expect(second.problem).toBe(undefined);
});

test('a lock is not written where a link leads', async () => {
  const runDir = temporaryDirectory();
  const elsewhere = join(temporaryDirectory(), 'file');
  writeFileSync(elsewhere, 'precious');
  symlinkSync(elsewhere, join(runDir, 'lock'));
  const { problem } = await relayIn(runDir);
  expect(problem).toContain('ELOOP');
});
