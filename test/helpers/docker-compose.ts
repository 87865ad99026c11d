import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { inject } from 'vitest';

import { composeProject, runLabel } from './docker-names.ts';
import { run } from './run.ts';

export interface Composed {
  /** Runs a subcommand of compose; rejects when it fails. */
  command(...args: string[]): Promise<string>;
  /** Takes everything down, with the images that were built for it. */
  down(): Promise<void>;
}

/** `docker compose`, or where the plugin is missing, `docker-compose`. */
async function composeCommand(): Promise<[string, ...string[]]> {
  const plugin = await run('docker', ['compose', 'version']);
  return plugin.code === 0 ? ['docker', 'compose'] : ['docker-compose'];
}

interface Parts {
  /** Services that have a `build`: they build with the host's network, as the image under test does. */
  built: string[];
  services: string[];
}

// Not a word about networks: docker-compose would take it in place of the file's own.
function override({ built, services }: Parts, testRun: string): string {
  const labels = { [runLabel]: testRun };
  const service = (name: string) => [
    name,
    built.includes(name) ? { labels, build: { network: 'host' } } : { labels },
  ];
  return JSON.stringify({ services: Object.fromEntries(services.map((name) => service(name))) });
}

/** A compose file as a project of the test's own, labelled so that the end of the run cleans it up in any case. */
export async function compose(file: string, parts: Parts): Promise<Composed> {
  const [program, ...first] = await composeCommand();
  const folder = await mkdtemp(path.join(tmpdir(), 'sallyport-compose-'));
  const overriding = path.join(folder, 'override.json');
  const testRun = inject('dockerRun') ?? '';
  await writeFile(overriding, override(parts, testRun));
  const options = [...first, '--project-name', composeProject(testRun), '--file', file, '--file', overriding];
  const command = async (...args: string[]) => {
    const { code, output, stdout } = await run(program, [...options, ...args]);
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${output}`);
    return stdout;
  };
  const down = async () => {
    await command('down', '--rmi', 'local', '--timeout', '1');
    await rm(folder, { recursive: true });
  };
  return { command, down };
}
