import { describe, expect, test } from 'vitest';

import { composeCommand } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';
import { docker } from '../../helpers/docker.ts';
import { repository, run } from '../../helpers/run.ts';

const FILE = 'examples/swarm/stack.yaml';

describe.skipIf(noDocker)('examples/swarm', () => {
  test('is read by Swarm to its end, which takes notice of all of it', async () => {
    // A manager would deploy it.
    expect(await docker('info', '--format', '{{.Swarm.LocalNodeState}}')).toBe('inactive');
    const { output } = await run('docker', ['stack', 'deploy', '--compose-file', FILE, 'sallyport-test']);
    expect(output).toContain('this node is not a swarm manager');
    expect(output).not.toContain('Ignoring');
  });

  test('is a Compose file whose inner network has no way out', async () => {
    const [program, ...first] = await composeCommand();
    const config = await run(program, [...first, '--file', FILE, 'config'], { cwd: repository });
    expect(config).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/inside:\n(?: {4}.*\n)* {4}internal: true/),
    });
  });
});
