import { abortable } from './abortable.ts';
import { resolveCommand } from './commands/resolve.ts';
import { ConfigError } from './config/config-error.ts';
import { type Config, parseConfig } from './config/config.ts';
import { isWildcard } from './config/targets.ts';
import { controlPaths } from './control/run-dir.ts';
import { openControl } from './control/server.ts';
import { openSources } from './dns/sources.ts';
import { listen } from './listen.ts';
import { createLog, type Logger } from './log.ts';
import { runHealthcheck, watchHealth } from './self-check.ts';
import { listenForCrash, listenForStop, type StopSignals } from './stop-signal.ts';
import { version } from './version.ts';

/** EX_CONFIG of sysexits(3). */
const EXIT_CONFIG = 78;

/** The image's HEALTHCHECK interval, in ms. */
const SELF_CHECK_INTERVAL = 30_000;
const COMMANDS = ['resolve'];

async function main([command, ...rest]: readonly string[]): Promise<number> {
  if (rest.length > 0 || (command !== undefined && !COMMANDS.includes(command))) {
    console.error(
      `sallyport: unknown command '${[command, ...rest].join(' ')}'; there is ${COMMANDS.join(', ')}, or none to relay`,
    );
    return EXIT_CONFIG;
  }
  const config = readConfig();
  if (config === null) return EXIT_CONFIG;
  if (command === 'resolve') return (await resolveCommand(config, console.log)) ? 0 : 1;

  const stop = listenForStop(process);
  const crash = listenForCrash(process);
  const log = createLog(config.logLevel);
  for (const { name, meant } of config.nearMisses)
    log.warn(`${name} is set but unknown: did you mean ${meant}?`);
  try {
    await run(config, { log, stop, crash });
    return 0;
  } catch (err) {
    log.fatal({ err }, 'failed');
    return 1;
  }
}

/** Relays until asked to stop, then drains. Rejects when a port cannot be listened on, a listener dies, or with what nobody has caught. */
async function run(
  config: Config,
  { log, stop, crash }: { log: Logger; stop: StopSignals; crash: AbortSignal },
): Promise<void> {
  const stopped = new AbortController();
  const listed = config.targets.filter((target) => !isWildcard(target));
  const sources = openSources(listed, {
    nameservers: config.preResolve ? config.nameservers : null,
    refresh: config.refresh,
    scope: config.scope,
    log,
    signal: stopped.signal,
  });
  const relays = await listen(config, sources, log);
  const control = await openControl(controlPaths(config.runDir), () => ({
    version,
    mode: config.mode,
    targets: config.targets,
    uptime: Math.round(process.uptime()),
    names: sources.status(),
    ports: relays.map(({ port, live, waiting, lastFailure }) => ({ port, live, waiting, lastFailure })),
  })).catch((err: unknown) => {
    log.warn(
      { err },
      'the control socket is off: the healthcheck cannot ask this relay, only watch its ports',
    );
    return null;
  });
  log.info(
    {
      version,
      mode: config.mode,
      targets: config.targets,
      nameCheck: config.nameCheck,
      ports: relays.map(({ port }) => port),
    },
    'listening',
  );

  const unhealthy = watchHealth({
    check: () => runHealthcheck(process.execPath, healthcheckBeside(process.argv[1] ?? '')),
    limit: config.exitOnUnhealthy,
    interval: SELF_CHECK_INTERVAL,
    log,
    signal: stopped.signal,
  });
  try {
    const end = Promise.race([stop.first, unhealthy, ...relays.map(({ failed }) => failed)]);
    const signal = await abortable(end, crash);
    const live = relays.reduce((sum, relay) => sum + relay.live, 0);
    const deadline = AbortSignal.any([stop.second, AbortSignal.timeout(config.drainTimeout)]);
    const drained = Promise.all(relays.map((relay) => relay.drain(deadline)));
    log.info({ signal, live, drainTimeout: config.drainTimeout }, 'stopping');
    await abortable(drained, crash);
    log.info({}, deadline.aborted ? 'stopped; what was still live has been cut off' : 'stopped');
  } finally {
    // Whatever ended it: what is cut short must not look complete, as it would if the kernel closed it at the process's end.
    for (const relay of relays) void relay.drain(AbortSignal.abort());
    stopped.abort();
    control?.close();
  }
}

function readConfig(): Config | null {
  try {
    return parseConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`sallyport: ${error.message}`);
    return null;
  }
}

/** The two programs lie side by side: `sallyport` and `healthcheck`, both with or without `.js`. */
function healthcheckBeside(program: string): string {
  return program.replace(/sallyport(?=(\.js)?$)/, 'healthcheck');
}

void main(process.argv.slice(2)).then((code) => process.exit(code));
