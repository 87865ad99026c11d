import { EXIT_CONFIG } from '../../config/config-error.ts';
import { type Config, parseConfig } from '../../config/config.ts';
import { isWildcard } from '../../config/targets.ts';
import { askRelay } from '../../control/ask-relay.ts';
import { describeBlackout } from '../../control/describe-blackout.ts';
import { runDirs } from '../../control/run-dir.ts';
import { alignColumns } from '../../lib/align-columns.ts';
import { type Command, UsageError } from '../../lib/arguments.ts';
import { portKey } from '../../lib/protocol.ts';
import { findForwarding } from '../../runtime/forwarding.ts';
import { checkAliases } from './aliases.ts';
import { describeBehaviour } from './behaviour.ts';
import { findHosts } from './hosts.ts';
import { findAddresses } from './names.ts';
import { checkSources, readNetworks } from './networks.ts';
import { checkAdmin, checkDns, checkFastLane, checkNameAddresses, checkPorts } from './ports.ts';
import { checkRoutes } from './routes.ts';
import { ASKED, judge, parseAsked } from './verdict.ts';

/**
 * Its exit code is 78 where the configuration has to change, 1 where something is down or taken; a warning is neither. Of a name it is 0 where that is allowed,
 * and else 1.
 */
export const check: Command = {
  name: 'check',
  summary:
    'read the environment, resolve and dial each target, and say every problem and where the ports lead; or say whether one name may be reached',
  operands: {
    usage: `[${ASKED}]`,
    summary: 'a name that an app would ask for, with the port that it dials or without; nothing is dialled',
    min: 0,
    max: 1,
  },
  options: {
    all: {
      type: 'boolean',
      summary: 'show what the relay would do, and the variables that are not set, too',
    },
  },
  run: async ({ options, operands: [name] }, { environment, print }) => {
    const showsAll = options['all'] === true;
    if (name !== undefined) {
      if (showsAll) throw new UsageError('--all goes with check alone, without a name');
      const { isAllowed, lines } = judge(parseAsked(name), parseConfig(environment));
      print(...lines);
      return isAllowed ? 0 : 1;
    }
    const section = (title: string, lines: readonly string[]) => {
      if (lines.length > 0) print('', title, ...lines.map((line) => `  ${line}`));
    };
    const config = parseConfig(environment);
    const relay = await askRelay(config.runDir).catch(() => null);
    const held = new Set(relay?.ports.map(portKey));
    const runsHere = held.size > 0;
    const beside = runsHere ? [] : [...(await checkDns(config)), ...(await checkAdmin(config))];
    const rights = [...(runsHere ? [] : await checkNameAddresses(config)), ...(await checkFastLane(config))];
    const unbound = [...(await checkPorts(config, held)), ...beside];
    const networks = readNetworks();
    const plain = config.targets.filter((target) => !isWildcard(target));
    const names = await Promise.all(plain.map((target) => findAddresses(target, config)));
    const [routes, hosts, aliases] = await Promise.all([
      checkRoutes(config, names),
      findHosts(),
      checkAliases(config, { found: names, runsHere, networks }),
    ]);
    const problems = [
      ...rights.map((text) => ({ text, isConfiguration: true })),
      ...unbound.map((text) => ({ text, isConfiguration: false })),
      ...names.flatMap(({ problem }) => problem ?? []),
      ...routes.problems,
    ];

    const isBad = problems.some(({ isConfiguration }) => isConfiguration);
    print(describeVerdict(problems.length, isBad));
    section(
      'Problems',
      problems.map(({ text }) => text),
    );
    section('Warnings', [
      ...(relay === null || relay.blackout.state === 'off'
        ? []
        : [`the relay here lets nobody in: ${describeBlackout(relay.blackout)}`]),
      ...config.warnings,
      ...(config.fastLane ? [] : findForwarding()),
      ...hosts,
      ...checkSources(config, networks),
      ...names.flatMap(({ warnings }) => warnings),
      ...aliases,
    ]);
    section('Routes', [
      ...routes.lines,
      ...(runsHere ? ['a relay runs here: whether its ports can be listened on was not tried'] : []),
    ]);
    if (showsAll) section('Behaviour', describeBehaviour(config));
    section('Configuration', describeSettings(config, showsAll));
    if (isBad) return EXIT_CONFIG;
    return problems.length === 0 ? 0 : 1;
  },
};

function describeVerdict(problems: number, isBad: boolean): string {
  if (problems === 0) return 'No problem was found.';
  const count = problems === 1 ? 'A problem was found' : `${problems} problems were found`;
  return `${count}: ${isBad ? 'the configuration has to change.' : 'the configuration can be used, but not all that it needs is there.'}`;
}

/** Those that are set, or all. */
function describeSettings({ settings, runDir }: Config, showsAll: boolean): readonly string[] {
  const rows = settings
    .filter(({ isDefault }) => showsAll || !isDefault)
    .map(({ name, text, isDefault }) => [
      name,
      isDefault ? 'default' : 'environment',
      name === 'SALLYPORT_RUN_DIR' ? runDirs(runDir).join(', else ') : (text ?? ''),
    ]);
  return alignColumns(rows);
}
