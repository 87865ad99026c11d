import { run } from './run.ts';

/** Runs `docker` and gives back what it printed; rejects when it fails. */
export async function docker(...args: string[]): Promise<string> {
  const { code, stdout, output } = await run('docker', args);
  if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}: ${output}`);
  return stdout.trim();
}

/** Removes every container and network that carries the label. */
export async function removeLabelled(label: string): Promise<void> {
  const listed = async (...command: string[]) =>
    (await docker(...command, '--quiet', '--filter', `label=${label}`)).split('\n').filter((id) => id !== '');
  // One at a time: engines of version 20 lose track of a network that several containers leave at once.
  for (const id of await listed('ps', '--all')) await docker('rm', '--force', '--volumes', id);
  for (const id of await listed('network', 'ls')) await docker('network', 'rm', id);
}
