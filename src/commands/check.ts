import { alignColumns } from '../align-columns.ts';
import type { Command } from '../arguments.ts';
import { EXIT_CONFIG } from '../config/config-error.ts';
import { type Config, parseConfig } from '../config/config.ts';
import { isWildcard } from '../config/targets.ts';
import { askRelay } from '../control/ask-relay.ts';
import { runDirs } from '../control/run-dir.ts';
import { findForwarding } from '../forwarding.ts';
import { describeBehaviour } from './check/behaviour.ts';
import { findHosts } from './check/hosts.ts';
import { findAddresses } from './check/names.ts';
import { checkAdmin, checkPorts } from './check/ports.ts';
import { checkRoutes } from './check/routes.ts';

/** Its exit code is 78 where there is a problem; a warning is none. */
export const check: Command = {
  name: 'check',
  summary:
    'read the environment, resolve and dial each target, and show what the relay would do and every problem',
  options: {},
  run: async (_asked, { environment, print }) => {
    const section = (title: string, lines: readonly string[]) => {
      if (lines.length > 0) print(title, ...lines.map((line) => `  ${line}`), '');
    };
    const config = parseConfig(environment);
    section('Configuration', describeSettings(config));
    section('Behaviour', describeBehaviour(config));

    const relay = await askRelay(config.runDir).catch(() => null);
    const held = new Set(relay?.ports.map(({ port }) => port));
    const unbound = [...(await checkPorts(config, held)), ...(held.size > 0 ? [] : await checkAdmin(config))];
    const plain = config.targets.filter((target) => !isWildcard(target));
    const names = await Promise.all(plain.map((target) => findAddresses(target, config)));
    const [routes, hosts] = await Promise.all([checkRoutes(config, names), findHosts()]);
    section('Routes', [
      ...routes.lines,
      ...(held.size > 0 ? ['a relay runs here: whether its ports can be listened on was not tried'] : []),
    ]);
    section('Warnings', [
      ...config.warnings,
      ...findForwarding(),
      ...hosts,
      ...names.flatMap(({ warnings }) => warnings),
    ]);
    const problems = [...unbound, ...names.flatMap(({ problem }) => problem ?? []), ...routes.problems];
    section('Problems', problems);
    if (problems.length > 0) return EXIT_CONFIG;
    print('No problem was found.');
    return 0;
  },
};

function describeSettings({ settings, runDir }: Config): readonly string[] {
  const rows = settings.map(({ name, text, isDefault }) => [
    name,
    isDefault ? 'default' : 'environment',
    name === 'SALLYPORT_RUN_DIR' ? runDirs(runDir).join(', else ') : (text ?? ''),
  ]);
  return alignColumns(rows);
}
