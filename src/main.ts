import { parentPort, workerData } from 'node:worker_threads';

import { blackout } from './commands/blackout.ts';
import { check } from './commands/check/check.ts';
import { compose } from './commands/compose.ts';
import { names } from './commands/names.ts';
import { resolve } from './commands/resolve.ts';
import { status } from './commands/status.ts';
import { Additions } from './config/additions.ts';
import { ConfigError, EXIT_CONFIG } from './config/config-error.ts';
import { type Config, parseConfig } from './config/config.ts';
import { describeRoutes } from './config/routes.ts';
import { openControls } from './door/controls.ts';
import { listenHere, type OpenRelay, type RelayConfig, type RelayParts } from './door/listen.ts';
import { openDoor } from './door/open.ts';
import { abortable } from './lib/abortable.ts';
import { type Command, type Io, type Program, runProgram, UsageError } from './lib/arguments.ts';
import { createPrinter } from './lib/printer.ts';
import { version } from './lib/version.ts';
import { foldRepeats } from './log/fold-repeats.ts';
import { createLog } from './log/log.ts';
import { findForwarding } from './runtime/forwarding.ts';
import { keepHeapFrugal } from './runtime/frugal-heap.ts';
import { dropKnownWarnings } from './runtime/known-warnings.ts';
import {
  ignoreDebuggerSignal,
  listenForCrash,
  listenForStop,
  type StopSignals,
} from './runtime/stop-signal.ts';
import { keepHeapTrimmed } from './runtime/trim-heap.ts';
import type { WorkerData } from './workers/calls.ts';
import { work } from './workers/worker.ts';

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
    const folding = foldRepeats(log);
    const forwarding = config.fastLane ? [] : findForwarding();
    for (const warning of [...config.warnings, ...forwarding]) log.warn({}, warning);
    const readConfig = () => {
      const next = parseConfig(environment);
      for (const warning of next.warnings.filter((each) => !config.warnings.includes(each)))
        log.warn({}, warning);
      return next;
    };
    const linesDropped = () => ({ budget: folding.dropped, output: output.dropped });
    try {
      const additions = new Additions(environment);
      const ending = await relay(config, { log: folding, readConfig, additions, linesDropped, stop, crash });
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
  epilogue:
    'Everything else is said by environment variables, of which TARGET is required: docs/configuration.md lists them. sallyport check tries them, sallyport status shows a relay at work.',
  commands: [relayCommand, compose, resolve, check, status, names, blackout],
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

/** What a relay has from the start. */
interface Surroundings extends Omit<Parameters<typeof openDoor>[1], 'process' | 'listen'> {
  readonly stop: StopSignals;
  /** Aborts with what nobody has caught. */
  readonly crash: AbortSignal;
}

/**
 * Relays until asked to stop, then drains; resolves with the last line of the log. Rejects when a port cannot be listened on, a listener dies, or with what
 * nobody has caught.
 */
async function relay(config: Config, { stop, crash, ...rest }: Surroundings): Promise<string> {
  const { log } = rest;
  const door = await openDoor(config, { process, listen: listenInThreads, ...rest });
  const controls = await openControls(config, door, { process, log });
  log.info(describe(config), 'listening');
  keepHeapTrimmed();
  keepHeapFrugal();
  try {
    const signal = await abortable(Promise.race([stop.first, door.failed, controls.failed]), crash);
    const { live } = door;
    const deadline = AbortSignal.any([stop.second, AbortSignal.timeout(config.drainTimeout)]);
    const drained = door.drain(deadline);
    log.info({ signal, live, drainTimeout: config.drainTimeout }, 'stopping');
    // Self-checks fail from now on, as nothing listens.
    await abortable(Promise.race([drained, door.failed]), crash);
    return deadline.aborted ? 'stopped; what was still live has been cut off' : 'stopped';
  } finally {
    await door.close();
    controls.close();
  }
}

/** Listens in this thread, or in as many as WORKERS says. */
async function listenInThreads(config: RelayConfig, parts: RelayParts): Promise<OpenRelay> {
  if (config.workers === 1) return listenHere(config, parts);
  const { listenInWorkers } = await import('./workers/crew.ts');
  const [, program = ''] = process.argv;
  const writeError = (text: Buffer) => void process.stderr.write(text);
  return listenInWorkers(config, { ...parts, program, writeError });
}

/** What a relay says of itself as it begins. */
function describe(config: Config) {
  const { mode, targets, nameCheck, admin } = config;
  return { version, mode, targets, nameCheck, routes: describeRoutes(config), admin };
}

dropKnownWarnings(process);
if (parentPort === null) {
  ignoreDebuggerSignal(process);
  void main(process.argv.slice(2)).then((code) => process.exit(code));
} else void work(workerData as WorkerData, parentPort);
