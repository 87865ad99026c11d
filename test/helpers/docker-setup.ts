import path from 'node:path';

import type { TestProject } from 'vitest/node';

import { composeProject, images, runLabel } from './docker-names.ts';
import { docker, removeLabelled } from './docker.ts';
import { NO_ENGINE } from './left-out.ts';
import { repository, run } from './run.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The label value of this test run, or null where no engine answers. */
    dockerRun: string | null;
  }
}

const projectLabel = 'com.docker.compose.project';

async function engineAnswers(): Promise<boolean> {
  const { code } = await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 10_000 });
  return code === 0;
}

async function build(tag: string, context: string): Promise<void> {
  console.log(`container tests: building ${tag}`);
  await docker('build', '--quiet', '--network', 'host', '--tag', tag, context);
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The compose projects of a run, as their networks tell: these carry no label of ours. */
async function projectsOf(name: string): Promise<string[]> {
  const networks = await docker('network', 'ls', '--format', `{{.Label "${projectLabel}"}}`);
  return [...new Set(networks.split('\n'))].filter((project) => project.startsWith(composeProject(name, '')));
}

async function removeRun(name: string): Promise<void> {
  await removeLabelled(`${runLabel}=${name}`);
  for (const project of await projectsOf(name)) await removeLabelled(`${projectLabel}=${project}`);
}

/** What a run that was killed could not remove. A run is named after its process, so live runs are left alone. */
async function removeLeftovers(): Promise<void> {
  const format = ['--format', `{{.Label "${runLabel}"}}`, '--filter', `label=${runLabel}`];
  const runs = [await docker('ps', '--all', ...format), await docker('network', 'ls', ...format)];
  for (const name of new Set(runs.join('\n').split('\n'))) {
    if (name === '' || alive(Number(name))) continue;
    await removeRun(name).catch((error: unknown) =>
      console.log(`container tests: left over: ${String(error)}`),
    );
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (!(await engineAnswers())) {
    if (process.env['REQUIRE_DOCKER'] === '1')
      throw new Error('REQUIRE_DOCKER=1, but no Docker engine answers');
    console.log(NO_ENGINE);
    project.provide('dockerRun', null);
    return undefined;
  }
  await removeLeftovers();
  await build(images.sallyport, repository);
  await build(images.peers, path.join(repository, 'test/container/peers'));
  await build(images.examplePeers, path.join(repository, 'examples/peers'));
  const name = String(process.pid);
  project.provide('dockerRun', name);
  return () => removeRun(name);
}
