import type { StartedTestContainer } from 'testcontainers';

/** The fields of the main process's /proc/1/status, read by the container's own Node, as there is no shell. */
export async function processStatus(container: StartedTestContainer): Promise<Record<string, string>> {
  const { stdout } = await container.exec(['node', '-p', "fs.readFileSync('/proc/1/status', 'utf8')"]);
  return Object.fromEntries(stdout.split('\n').map((line) => line.split(/:\s+/)));
}
