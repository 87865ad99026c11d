import { Worker } from 'node:worker_threads';

import { listeners, type RelayConfig, type RelayParts } from '../door/listen.ts';
import { messageOf } from '../lib/message-of.ts';
import { isFinal } from '../lib/resolve-error.ts';
import { newCounterCells, sumCounts } from '../relay/counters.ts';
import type { Relay } from '../relay/relay.ts';
import { newSlotCells, Slots } from '../relay/slots.ts';
import type { MainCalls, News, WorkerCalls, WorkerData } from './calls.ts';
import { answerCalls, type Ask, callsTo } from './channel.ts';

interface Options extends RelayParts {
  /** The file that each worker runs. */
  readonly program: string;
  /** Writes to standard error; workers log through `log`, and only Node's own warnings come here. */
  readonly writeError: (text: Buffer) => void;
}

/**
 * Opens every relay in each of `config.workers` threads, which share the ports (SO_REUSEPORT, socket(7)) and the limits. Rejects when a port
 * cannot be listened on.
 */
export async function listenInWorkers(config: RelayConfig, options: Options): Promise<readonly Relay[]> {
  const crew = new Crew(config, options);
  await crew.start();
  return crew.relays;
}

/** The workers, and what they and the main thread share. */
class Crew {
  /** One for each port, which stands for those of all workers. */
  readonly relays: readonly Relay[];

  readonly #config: RelayConfig;
  readonly #options: Options;
  /** By port. */
  readonly #slots: WorkerData['slots'];
  /** By worker, then by port. */
  readonly #counters: readonly WorkerData['counters'][];
  /** By port: why the last dial failed. */
  readonly #failures: (string | null)[];
  /** Of the workers that listen. */
  readonly #asks: Ask<WorkerCalls>[] = [];
  readonly #makingRoom = new Set<number>();
  readonly #failed = Promise.withResolvers<never>();

  constructor(config: RelayConfig, options: Options) {
    const ports = listeners(config);
    this.#config = config;
    this.#options = options;
    this.#slots = ports.map(newSlotCells);
    this.#counters = Array.from({ length: config.workers }, () => ports.map(newCounterCells));
    this.#failures = ports.map(() => null);
    this.#failed.promise.catch(() => {}); // a port's relay tells it
    this.relays = ports.map(({ listen }, index) => this.#relayOf(listen, index));
  }

  /** Resolves when all workers listen on all ports. */
  async start(): Promise<void> {
    await Promise.all(this.#counters.map((counters) => this.#startWorker(counters)));
  }

  async #startWorker(counters: WorkerData['counters']): Promise<void> {
    const { program, blackoutFlag, lookup, writeError } = this.#options;
    const { promise: failed, reject: fail } = this.#failed;
    const { promise: listening, resolve } = Promise.withResolvers<void>();
    const worker = new Worker(program, {
      // Node's own piping would open `process.stdout`, which makes a descriptor non-blocking that others may share.
      stdout: true,
      stderr: true,
      workerData: {
        config: this.#config,
        slots: this.#slots,
        counters,
        blackoutCell: blackoutFlag.cell,
      } satisfies WorkerData,
    });
    worker.stderr.on('data', writeError);
    worker.on('error', fail).on('exit', (code) => fail(new Error(`a worker ended with ${code}`)));
    answerCalls<MainCalls>(worker, {
      lookup: (host, fresh, wanted) =>
        lookup(host, wanted, { fresh }).then(
          (addresses) => ({ addresses }),
          (cause: unknown) => ({ problem: messageOf(cause), isFinal: isFinal(cause) }),
        ),
      listening: resolve,
      failed: (problem) => fail(new Error(problem)),
      news: (news) => this.#takeNews(news),
    });
    const ask = callsTo<WorkerCalls>(worker);
    await Promise.race([listening, failed]);
    this.#asks.push(ask);
  }

  #takeNews({ lines, dialled, crowded, hasTraffic }: News): void {
    const { log, onTraffic } = this.#options;
    for (const { level, fields, message, times } of lines) log[level](fields, message, times);
    for (const [index, failure] of dialled) this.#failures[index] = failure;
    for (const index of crowded) void this.#makeRoom(index);
    if (hasTraffic) onTraffic();
  }

  /** One session at a time: whoever is slow to answer is not asked again meanwhile. */
  async #makeRoom(index: number): Promise<void> {
    if (this.#makingRoom.has(index)) return;
    this.#makingRoom.add(index);
    for (const ask of this.#asks) if (await ask('makeRoom', index)) break;
    this.#makingRoom.delete(index);
  }

  #relayOf(port: number, index: number): Relay {
    const held = new Slots(this.#config.maxConnections, this.#slots[index]);
    const failures = this.#failures;
    const asks = this.#asks;
    return {
      port,
      get live() {
        return held.held;
      },
      get waiting() {
        return held.waiting;
      },
      get lastFailure() {
        return failures[index] ?? null;
      },
      counts: () => sumCounts(this.#counters.flatMap((cells) => cells[index] ?? [])),
      failed: this.#failed.promise,
      makeRoom: () => false,
      async clear(how) {
        await Promise.all(asks.map((ask) => ask('clear', index, how)));
      },
      async settleLog() {
        await Promise.all(asks.map((ask) => ask('settleLog')));
      },
      async drain(deadline) {
        const cut = () => asks.forEach((ask) => void ask('cut', index));
        if (deadline.aborted) cut();
        else deadline.addEventListener('abort', cut);
        await Promise.all(asks.map((ask) => ask('drain', index)));
      },
    };
  }
}
