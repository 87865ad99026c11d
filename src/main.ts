import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

import { askedServers } from './commands/asked-servers.ts';
import { blackout as blackoutCommand } from './commands/blackout.ts';
import { check } from './commands/check/check.ts';
import { resolve } from './commands/resolve.ts';
import { status } from './commands/status.ts';
import { ConfigError, EXIT_CONFIG } from './config/config-error.ts';
import { type Config, parseConfig } from './config/config.ts';
import { describeRoutes } from './config/routes.ts';
import { isWildcard } from './config/targets.ts';
import { watchLostDatagrams } from './control/lost-datagrams.ts';
import type { Status } from './control/protocol.ts';
import { keepErrors } from './control/recent-errors.ts';
import { report } from './control/report.ts';
import { controlPaths } from './control/run-dir.ts';
import { openControl } from './control/server.ts';
import { openSources } from './dns/sources.ts';
import { listen, type Lookup } from './door/listen.ts';
import { watchLoops } from './door/loops.ts';
import { abortable } from './lib/abortable.ts';
import { type Command, type Io, type Program, runProgram, UsageError } from './lib/arguments.ts';
import { createPrinter } from './lib/printer.ts';
import { version } from './lib/version.ts';
import { type FoldingLog, foldRepeats } from './log/fold-repeats.ts';
import { createLog } from './log/log.ts';
import { Gate } from './relay/gate.ts';
import type { Relay } from './relay/relay.ts';
import { Blackout, listenForBlackout } from './runtime/blackout.ts';
import { findForwarding } from './runtime/forwarding.ts';
import { keepHeapFrugal } from './runtime/frugal-heap.ts';
import { dropKnownWarnings } from './runtime/known-warnings.ts';
import { runHealthcheck, watchHealth } from './runtime/self-check.ts';
import {
  ignoreDebuggerSignal,
  listenForCrash,
  listenForStop,
  type StopSignals,
} from './runtime/stop-signal.ts';
import { keepHeapTrimmed } from './runtime/trim-heap.ts';
import type { WorkerData } from './workers/calls.ts';
import { work } from './workers/worker.ts';

/** The image's HEALTHCHECK interval, in ms. */
const SELF_CHECK_INTERVAL = 30_000;
/** How long what lives may take to be reset at the end, in ms: a thread that has crashed does not answer. */
const LAST_RESETS = 1_000;
/** How long the last lines may take to be written, in ms: a pipe may have nobody who reads it. */
const LAST_LINES = 1_000;
/** Not `process.stdout`, which makes a shared descriptor non-blocking. */
const STDOUT = 1;

const relayCommand: Command = {
  name: null,
  summary: 'relay until SIGTERM or SIGINT',
  options: {},
  run: async (_asked, { environment }) => {
    const config = parseConfig(environment);
    const stop = listenForStop(process);
    const crash = listenForCrash(process);
    const { log, output } = createLog(config.logLevel, STDOUT);
    const folding = foldRepeats(log, config.targets);
    for (const warning of [...config.warnings, ...findForwarding()]) log.warn({}, warning);
    const linesDropped = () => ({ budget: folding.dropped, output: output.dropped });
    try {
      const ending = await run(config, { log: folding, linesDropped, stop, crash });
      folding.flush();
      log.info({}, ending);
      return 0;
    } catch (err) {
      folding.flush();
      log.fatal({ err }, 'failed');
      return 1;
    } finally {
      await output.finish(LAST_LINES);
    }
  },
};

const sallyport: Program = {
  name: 'sallyport',
  version,
  summary: 'Relays raw TCP or UDP to the names that TARGET allows, and to nothing else.',
  epilogue: 'Everything else is said by environment variables, of which TARGET is required: see the README.',
  commands: [relayCommand, resolve, check, status, blackoutCommand],
};

async function main(args: readonly string[]): Promise<number> {
  const printer = createPrinter(console);
  let written = Promise.resolve();
  const print: Io['print'] = (...lines) => {
    printer.print(...lines);
    // Called when all before it has been written, which a pipe does not take at once.
    written = new Promise((done) => void process.stdout.write('', () => done()));
  };
  try {
    const code = await runProgram(sallyport, args, { environment: process.env, ...printer, print });
    await written;
    return code;
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof UsageError)) throw error;
    printer.printError(...`sallyport: ${error.message}`.split('\n'));
    return EXIT_CONFIG;
  }
}

/**
 * Relays until asked to stop, then drains; resolves with the last line of the log. Rejects when a port cannot be listened on, a listener dies, or with what
 * nobody has caught.
 */
async function run(
  config: Config,
  {
    log,
    linesDropped,
    stop,
    crash,
  }: { log: FoldingLog; linesDropped: () => Status['linesDropped']; stop: StopSignals; crash: AbortSignal },
): Promise<string> {
  const [, program = ''] = process.argv;
  let relays: readonly Relay[] = [];
  const gate = new Gate();
  const clear: Relay['clear'] = async (how) => {
    await Promise.all(relays.map((relay) => relay.clear(how)));
  };
  const settleLog = async () => {
    await Promise.all(relays.map(async (relay) => relay.settleLog?.()));
    log.flush();
  };
  const blackout = new Blackout({ gate, clear, settleLog, log });
  listenForBlackout(process, blackout);
  if (config.blackout) await blackout.turn('on', { by: 'start' });

  const stopped = new AbortController();
  const listed = config.targets.filter((target) => !isWildcard(target));
  const sources = openSources(listed, {
    nameservers: askedServers(config),
    keep: config.preResolve,
    refresh: config.refresh,
    scope: config.scope,
    log,
    signal: stopped.signal,
  });
  const lookup: Lookup = (host, signal, how) => sources.of(host).addresses(signal, how);
  const loops = watchLoops(config, { lookup, log, signal: stopped.signal });
  const errors = keepErrors(log);
  const lost = config.mode === 'udp' ? watchLostDatagrams(() => relays, errors.log) : null;
  const shared = { lookup, log: errors.log, gate, onTraffic: () => lost?.onTraffic() };
  relays =
    config.workers === 1
      ? await listen(config, shared)
      : await (
          await import('./workers/crew.ts')
        ).listenInWorkers(config, {
          ...shared,
          program,
          writeError: (text) => void process.stderr.write(text),
        });
  let draining = false;
  const say = (): Status => ({
    version,
    uptime: Math.round(process.uptime()),
    draining,
    blackout: blackout.status,
    linesDropped: linesDropped(),
    loops: loops(),
    ...report(config, { sources, relays, errors, lost }),
  });
  const { admin: where, preResolve } = config;
  const metricsFile = join(dirname(program), 'sallyport-metrics.js');
  const watched = { status: say, preResolve, metricsFile, sources, relays };
  const admin = where && (await (await import('./control/pages.ts')).openPages(where, watched));
  const control = await openControl(
    controlPaths(config.runDir),
    {
      blackOut: ({ blackout: state, duration }) => blackout.turn(state, { by: 'command', duration }),
      status: say,
    },
    (err) =>
      log.warn({ err }, 'the run directory has no lock: relays that start at the same moment may share it'),
  ).catch((err: unknown) => {
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
      routes: describeRoutes(config.targets, config.ports),
      admin: where,
    },
    'listening',
  );
  keepHeapTrimmed();
  keepHeapFrugal();

  const unhealthy = watchHealth({
    check: () => runHealthcheck(process.execPath, healthcheckBeside(program)),
    limit: config.exitOnUnhealthy,
    interval: SELF_CHECK_INTERVAL,
    log,
    signal: stopped.signal,
  });
  try {
    const listening = [...relays, ...(admin === null ? [] : [admin])];
    const end = Promise.race([stop.first, unhealthy, ...listening.map(({ failed }) => failed)]);
    const signal = await abortable(end, crash);
    draining = true;
    const live = relays.reduce((sum, relay) => sum + relay.live, 0);
    const deadline = AbortSignal.any([stop.second, AbortSignal.timeout(config.drainTimeout)]);
    const drained = Promise.all(relays.map((relay) => relay.drain(deadline)));
    log.info({ signal, live, drainTimeout: config.drainTimeout }, 'stopping');
    await abortable(drained, crash);
    return deadline.aborted ? 'stopped; what was still live has been cut off' : 'stopped';
  } finally {
    // Whatever ended it: what is cut short must not look complete, as it would if the kernel closed it at the process's end.
    const cut = Promise.all(relays.map((relay) => relay.drain(AbortSignal.abort())));
    await Promise.race([cut, delay(LAST_RESETS)]);
    stopped.abort();
    control?.close();
    admin?.close();
  }
}

/** The two programs lie side by side, `sallyport` and `healthcheck`, both with or without `.js`; and with them the file for metrics. */
function healthcheckBeside(program: string): string {
  return program.replace(/sallyport(?=(\.js)?$)/, 'healthcheck');
}

dropKnownWarnings(process);
if (parentPort === null) {
  ignoreDebuggerSignal(process);
  void main(process.argv.slice(2)).then((code) => process.exit(code));
} else void work(parseConfig(process.env), workerData as WorkerData, parentPort);
