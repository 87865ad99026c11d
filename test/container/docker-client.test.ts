import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';

import { describe, expect, inject, onTestFinished, test } from 'vitest';

import { noDocker } from '../helpers/docker-engine.ts';
import { images, runLabel } from '../helpers/docker-names.ts';
import { docker } from '../helpers/docker.ts';
import { asLast, expectFaithful, startRecordedDoor } from '../helpers/recorder.ts';
import { run } from '../helpers/run.ts';

const SOCKET = '/var/run/docker.sock';
const LABEL = ['--label', `${runLabel}=${inject('dockerRun')}`];

/** A container that runs a command and reads standard input; removed with the test. */
async function container(...command: readonly string[]): Promise<string> {
  const id = await docker('run', '--detach', '--interactive', ...LABEL, images.peers, ...command);
  onTestFinished(() => docker('rm', '--force', id).then(() => {}));
  return id;
}

/** The engine behind a door that checks names; what its client prints, after which both sides of the door are compared. */
async function world() {
  const door = await startRecordedDoor(SOCKET);
  const host = `tcp://localhost:${door.port}`;
  return {
    door,
    through: async (args: readonly string[], input = '') => {
      const { code, output } = await run('docker', ['--host', host, ...args], { input, timeout: 20_000 });
      await expectFaithful(door, { sent: asLast, isOrdered: false });
      return { code, output };
    },
  };
}

// Standard input and output of a command go over a hijacked connection: HTTP until 101, and raw from there on.
describe.skipIf(noDocker || !existsSync(SOCKET))('docker through a door that checks names', () => {
  const large = randomBytes(500_000).toString('hex');

  test('exec', async () => {
    const { door, through } = await world();
    const id = await container('sleep', 'infinity');
    expect(await through(['exec', id, 'echo', 'hello'])).toEqual({ code: 0, output: 'hello\n' });
    expect(await through(['exec', id, 'sh', '-c', 'echo oops >&2; exit 7'])).toEqual({
      code: 7,
      output: 'oops\n',
    });
    // The command ends when its input does.
    const { code, output } = await through(['exec', '--interactive', id, 'sh', '-c', 'cat; echo end'], large);
    expect([code, output === `${large}end\n`]).toEqual([0, true]);
    expect(door.relay.lines.filter(({ level }) => level !== 'info')).toEqual([]);
  });

  test('attach', async () => {
    const { through } = await world();
    const id = await container('sh', '-c', 'read line; echo "got $line"; exit 7');
    const { code, output } = await through(['attach', id], 'hello\n');
    expect(code).toBe(7);
    // By itself, too, the client leaves out what a container has said that ends at once; `through` has seen that the door does not.
    expect(['', 'got hello\n']).toContain(output);
  });

  test('run, with what it is sent and sends back', async () => {
    const { through } = await world();
    const { code, output } = await through(
      ['run', '--rm', '--interactive', ...LABEL, images.peers, 'cat'],
      large,
    );
    expect([code, output === large]).toEqual([0, true]);
  });

  test('cp, in and out', async () => {
    const { through } = await world();
    const id = await container('sleep', 'infinity');
    expect(await through(['cp', import.meta.filename, `${id}:/tmp/test`])).toMatchObject({ code: 0 });
    const { output } = await through(['exec', id, 'cat', '/tmp/test']);
    expect(output).toContain("test('cp, in and out'");
  });
});
