import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { inject } from 'vitest';

import { composeProject, runLabel } from './docker-names.ts';
import { docker } from './docker.ts';
import { type Finished, run } from './run.ts';

export interface Composed {
  project: string;
  /** Recreates what these variables change, where the compose file has them. */
  up(environment: Record<string, string>): Promise<void>;
  /** Runs a subcommand of compose; rejects when it fails. */
  command(...args: string[]): Promise<string>;
  /** Runs a program in a service's container, to its end; never rejects. */
  exec(service: string, ...args: string[]): Promise<Finished>;
  /** What a service has logged so far. */
  logs(service: string): Promise<string>;
  /** The id of a service's container. */
  container(service: string): Promise<string>;
  /** The address of a service that is on one network. */
  address(service: string): Promise<string>;
  /** Takes everything down as the examples' READMEs do; rejects where that leaves anything. */
  down(): Promise<void>;
}

/** `docker compose`, or where the plugin is missing, `docker-compose`. */
export async function composeCommand(): Promise<[string, ...string[]]> {
  const plugin = await run('docker', ['compose', 'version']);
  return plugin.code === 0 ? ['docker', 'compose'] : ['docker-compose'];
}

interface Services {
  /** Those that have a `build`: they build with the host's network, as the image under test does. */
  built: string[];
  /** Those that have an image alone. */
  ready?: string[];
}

/** What is said beside a Compose file, of each of its services and of others. */
type Override = Readonly<Record<string, object>>;

// Not a word about networks: docker-compose would take it in place of the file's own.
function override({ built, ready = [] }: Services): Override {
  return Object.fromEntries([
    ...built.map((name) => [name, { build: { network: 'host' } }]),
    ...ready.map((name) => [name, {}]),
  ]);
}

/** The containers, networks, volumes and images that are left of a project. */
async function leftOf(project: string): Promise<string[]> {
  const label = ['--quiet', '--filter', `label=com.docker.compose.project=${project}`];
  const listed = [
    await docker('ps', '--all', ...label),
    await docker('network', 'ls', ...label),
    await docker('volume', 'ls', ...label),
    await docker('images', '--quiet', '--filter', `reference=${project}*`),
  ];
  return listed.flatMap((ids) => ids.split('\n')).filter((id) => id !== '');
}

/** Brings up examples/`name` as `bringUpFile` does. */
export async function bringUp(
  name: string,
  services: Services,
  environment: Record<string, string> = {},
): Promise<Composed> {
  return bringUpFile(name, `examples/${name}/compose.yaml`, { services: override(services), environment });
}

/**
 * Brings up a Compose file as a project of the test's own, labelled so that the end of the run cleans it up in any
 * case. The caller takes it down.
 */
export async function bringUpFile(
  name: string,
  file: string,
  { services, environment = {} }: { services: Override; environment?: Record<string, string> },
): Promise<Composed> {
  const [program, ...first] = await composeCommand();
  const folder = await mkdtemp(path.join(tmpdir(), 'sallyport-compose-'));
  const overriding = path.join(folder, 'override.json');
  const testRun = inject('dockerRun') ?? '';
  const labels = { [runLabel]: testRun };
  const labelled = Object.entries(services).map(([service, rest]) => [service, { labels, ...rest }]);
  await writeFile(overriding, JSON.stringify({ services: Object.fromEntries(labelled) }));
  const files = ['--file', file, '--file', overriding];
  const project = composeProject(testRun, name);
  const options = [...first, '--project-name', project, ...files];
  const command = async (args: string[], env = environment) => {
    const { code, output, stdout } = await run(program, [...options, ...args], {
      env: { ...process.env, ...env },
    });
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${output}`);
    return stdout;
  };
  const up = async (env: Record<string, string>) => {
    await command(['up', '--build', '--detach'], env);
  };
  const down = async () => {
    await command(['down', '--rmi', 'local', '--timeout', '1']);
    await rm(folder, { recursive: true });
    const left = await leftOf(project);
    if (left.length > 0) throw new Error(`down has left of ${project}: ${left.join(', ')}`);
  };
  try {
    await up(environment);
  } catch (error) {
    await down();
    throw error;
  }
  const container = async (service: string) => (await command(['ps', '--quiet', service])).trim();
  const address = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
  return {
    project,
    up,
    command: (...args) => command(args),
    exec: (service, ...args) =>
      run(program, [...options, 'exec', '-T', service, ...args], { env: { ...process.env, ...environment } }),
    logs: (service) => command(['logs', '--no-color', service]),
    container,
    address: async (service) => docker('inspect', '--format', address, await container(service)),
    down,
  };
}
