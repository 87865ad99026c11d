import { isIPv4 } from 'node:net';

import { ConfigError } from '../src/config/config-error.ts';
import { type Config, parseConfig, parseRunDir } from '../src/config/config.ts';
import { canonical } from '../src/config/host.ts';
import { protocolOf } from '../src/config/listeners.ts';
import { PROTOCOLS } from '../src/config/ports.ts';
import { hostOf, type Probe } from '../src/config/probes.ts';
import { DNS_PORT } from '../src/config/read-listeners.ts';
import { isWildcard } from '../src/config/targets.ts';
import { askRelay } from '../src/control/ask-relay.ts';
import { describeBlackout } from '../src/control/describe-blackout.ts';
import { describeFastLane } from '../src/control/describe-fast-lane.ts';
import { probeAddress, type Status } from '../src/control/protocol.ts';
import { type Program, runProgram, UsageError } from '../src/lib/arguments.ts';
import { LEARNING } from '../src/lib/learning.ts';
import { messageOf } from '../src/lib/message-of.ts';
import { createPrinter } from '../src/lib/printer.ts';
import { version } from '../src/lib/version.ts';
import { ignoreDebuggerSignal } from '../src/runtime/stop-signal.ts';
import { explain } from './explain.ts';
import { checkListening } from './listening.ts';
import { send } from './probers.ts';

const healthcheck: Program = {
  name: 'healthcheck',
  version,
  summary:
    'Checks the relay that runs here, and says in one line what is wrong. Exit code 0: healthy; 1: unhealthy.',
  epilogue:
    'Which probes it sends is said by the same environment variables as the relay has: docs/configuration.md lists them. sallyport check tries them, sallyport status shows the relay at work.',
  commands: [
    {
      name: null,
      summary: 'check the relay',
      options: {},
      run: async (_asked, { environment, print }) => {
        print(await check(environment));
        return 0;
      },
    },
  ],
};

async function main(args: readonly string[]): Promise<number> {
  const printer = createPrinter(console);
  try {
    return await runProgram(healthcheck, args, { environment: process.env, ...printer });
  } catch (error) {
    // Docker knows the codes 0 and 1 alone.
    if (error instanceof UsageError) printer.printError(...`healthcheck: ${error.message}`.split('\n'));
    else if (error instanceof ConfigError) printer.print(...`unhealthy: ${error.message}`.split('\n'));
    // What servers answer may have several lines.
    else printer.print(`unhealthy: ${messageOf(error).replaceAll(/\s+/g, ' ').trim()}`);
    return 1;
  }
}

/**
 * Checks the relay from the inside out. Resolves with how it is when all is well; rejects with the first thing that is not. The control socket tells that the
 * event loop is alive, the kernel's table that the ports listen; where no control socket could be made, the second remains.
 */
async function check(environment: NodeJS.ProcessEnv): Promise<string> {
  const status = await askRelay(parseRunDir(environment));
  const config = parseConfig(asInForce(environment, status));
  const { listeners, dns, bind, runDir, blackoutHealth, probes } = config;
  for (const [protocol, ports] of Map.groupBy(listeners, ({ kind }) => protocolOf(kind)))
    checkListening(protocol, { bind, ports: new Set(ports.map(({ port }) => port)) });
  if (dns !== null)
    for (const protocol of PROTOCOLS) checkListening(protocol, { bind, ports: new Set([DNS_PORT]) });
  if (status !== null && status.blackout.state !== 'off') {
    const blackout = [describeBlackout(status.blackout), ...notesOn(config, status)].join('; ');
    if (blackoutHealth === 'unhealthy') throw new Error(blackout);
    return blackout; // probes would be refused
  }
  const [loop] = status?.loops ?? [];
  if (loop !== undefined) throw new Error(loop);
  await Promise.all([
    status && config.preResolve && import('./name.ts').then(({ checkNames }) => checkNames(config, status)),
    ...probes.map((probe) =>
      explain(send({ ...probe, address: addressFor(probe, config, status) }), { runDir, ...probe }),
    ),
  ]);
  const reach = status?.fastLane ? (await import('./past-relay.ts')).describeReach(config, status) : [];
  return ['healthy', ...notesOn(config, status), ...(await reach)].join('; ');
}

/** Where a probe is sent: as an app does, to the address of the name where it has one. Of IPv4, as probes are (`probeAddress`). */
function addressFor(
  { url, viaProxy }: Probe,
  { bind, nameAddresses }: Config,
  status: Pick<Status, 'names'> | null,
): string {
  if (nameAddresses === null || viaProxy) return probeAddress(bind);
  const host = canonical(hostOf(url));
  const named = status?.names.find(({ name }) => canonical(name) === host);
  return named?.ownAddresses.find((address) => isIPv4(address)) ?? probeAddress(bind);
}

/** What somebody who looks should know, though all is well. */
function notesOn({ nameCheck, targets, probes }: Config, status: Status | null): readonly string[] {
  const problem = status?.targetFile?.problem ?? null;
  const isNobody = targets.every(isWildcard) && probes.length === 0;
  return [
    ...(nameCheck === 'learn' ? [LEARNING] : []),
    ...describeFastLane(status?.fastLane ?? null),
    ...(nameCheck === 'learn' && isNobody ? ['nothing is probed, as TARGET names nobody'] : []),
    ...(problem === null ? [] : [`the list in force stays, as TARGET_FILE cannot be used: ${problem}`]),
  ];
}

/** The relay may go by an earlier list than the one that is in TARGET_FILE now. */
function asInForce(environment: NodeJS.ProcessEnv, status: Status | null): NodeJS.ProcessEnv {
  const { targetFile = null } = status ?? {};
  return targetFile === null ? environment : { ...environment, TARGET: targetFile.text, TARGET_FILE: '' };
}

ignoreDebuggerSignal(process);
void main(process.argv.slice(2)).then((code) => process.exit(code));
