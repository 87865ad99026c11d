import { type ResourceLimits, Worker } from 'node:worker_threads';

import type { PortConfig } from '../config/config.ts';
import { protocolOf } from '../config/listeners.ts';
import type { LedRelay, OpenRelay, RelayConfig, RelayParts } from '../door/listen.ts';
import { messageOf } from '../lib/message-of.ts';
import { isFinal } from '../lib/resolve-error.ts';
import { type CounterCells, Counters, newCounterCells, sumCounts } from '../relay/counters.ts';
import type { Relay } from '../relay/relay.ts';
import { newSlotCells, type SlotCells, Slots } from '../relay/slots.ts';
import { tryPort } from '../relay/try-port.ts';
import { shareHeap } from '../runtime/heap-share.ts';
import type { MainCalls, News, WorkerCalls, WorkerData } from './calls.ts';
import { answerCalls, type Ask, callsTo } from './channel.ts';

interface Options extends RelayParts {
  /** The file that each worker runs. */
  readonly program: string;
  /** Writes to standard error; workers log through `log`, and only Node's own warnings come here. */
  readonly writeError: (text: Buffer) => void;
}

/**
 * Starts `config.workers` threads, each of which is to open every relay: they share the ports (SO_REUSEPORT, socket(7)) and the limits. Rejects when one cannot
 * be started.
 */
export async function listenInWorkers(config: RelayConfig, options: Options): Promise<OpenRelay> {
  const crew = new Crew(config, options);
  await crew.start();
  return (port) => crew.open(port);
}

/** A port of all workers, and what they and the main thread share of it. */
interface Shared {
  readonly slots: SlotCells;
  /** By worker, and the main thread's own last. */
  readonly counters: readonly CounterCells[];
  /** Why the last dial failed. */
  failure: string | null;
  isMakingRoom: boolean;
  /** Of its own, as what waits for a promise lives as long as it does. */
  readonly failed: PromiseWithResolvers<never>;
}

/** The workers, and the ports that they listen on. */
class Crew {
  readonly #config: RelayConfig;
  readonly #options: Options;
  readonly #asks: Ask<WorkerCalls>[] = [];
  /** By number. */
  readonly #ports = new Map<number, Shared>();
  /** How many have been opened. */
  #opened = 0;
  readonly #failed = Promise.withResolvers<never>();

  constructor(config: RelayConfig, options: Options) {
    this.#config = config;
    this.#options = options;
    this.#failed.promise.catch(() => {}); // a port's relay tells it, once there is one
  }

  /** Resolves when all workers can be asked. */
  async start(): Promise<void> {
    const { workers } = this.#config;
    const resourceLimits = shareHeap(workers);
    await Promise.all(Array.from({ length: workers }, () => this.#startWorker(resourceLimits)));
  }

  /** Resolves when all workers listen on a port. Rejects when one cannot. */
  async open(port: PortConfig): Promise<LedRelay> {
    tryPort({ protocol: protocolOf(port.kind), port: port.port, addresses: this.#config.bind });
    const slots = newSlotCells();
    const workers = this.#asks.map((ask) => ({ ask, counters: newCounterCells() }));
    const counters = [...workers.map((worker) => worker.counters), newCounterCells()];
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => {}); // the relay tells it
    const shared: Shared = { slots, counters, failure: null, isMakingRoom: false, failed };
    const id = this.#opened++;
    this.#ports.set(id, shared);
    const led = this.#leadAll(port, id, shared);
    const opening = Promise.allSettled(
      workers.map(({ ask, counters: own }) => ask('open', id, port, { slots, counters: own })),
    );
    const failure = (await Promise.race([opening, failed.promise])).find(
      ({ status }) => status === 'rejected',
    );
    if (failure === undefined) return led;
    await led.end();
    throw (failure as PromiseRejectedResult).reason;
  }

  /** A worker is lost. */
  #fail(cause: Error): void {
    this.#failed.reject(cause);
    for (const { failed } of this.#ports.values()) failed.reject(cause);
  }

  async #startWorker(resourceLimits: ResourceLimits): Promise<void> {
    const { program, blackoutFlag, nameAddresses, lookup, writeError } = this.#options;
    const fail = (cause: Error) => this.#fail(cause);
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    const worker = new Worker(program, {
      // Node's own piping would open `process.stdout`, which makes a descriptor non-blocking that others may share.
      stdout: true,
      stderr: true,
      resourceLimits,
      workerData: {
        config: this.#config,
        blackoutCell: blackoutFlag.cell,
        nameAddressCells: nameAddresses?.cells ?? null,
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
      ready: resolve,
      failed: (problem) => fail(new Error(problem)),
      news: (news) => this.#takeNews(news),
    });
    const ask = callsTo<WorkerCalls>(worker);
    await Promise.race([ready, this.#failed.promise]);
    this.#asks.push(ask);
  }

  #takeNews({ lines, dialled, crowded, names, hasTraffic }: News): void {
    const { log, onTraffic, onName } = this.#options;
    for (const { level, fields, message, times } of lines) log[level](fields, message, times);
    for (const [id, failure] of dialled) {
      const shared = this.#ports.get(id);
      if (shared !== undefined) shared.failure = failure;
    }
    for (const counted of names) onName(counted);
    for (const id of crowded) void this.#makeRoom(id);
    if (hasTraffic) onTraffic();
  }

  /** One session at a time: whoever is slow to answer is not asked again meanwhile. */
  async #makeRoom(id: number): Promise<void> {
    const shared = this.#ports.get(id);
    if (shared === undefined || shared.isMakingRoom) return;
    shared.isMakingRoom = true;
    for (const ask of this.#asks) if (await ask('makeRoom', id)) break;
    shared.isMakingRoom = false;
  }

  #leadAll(port: PortConfig, id: number, shared: Shared): LedRelay {
    return {
      relay: this.#relayOf(port, id, shared),
      lead: (next) => this.#everywhere((ask) => ask('lead', id, next)),
      end: async () => {
        await this.#everywhere((ask) => ask('end', id));
        this.#ports.delete(id);
      },
    };
  }

  #relayOf({ kind, port, maxConnections }: PortConfig, id: number, shared: Shared): Relay {
    const slots = new Slots(maxConnections, shared.slots);
    return {
      protocol: protocolOf(kind),
      port,
      limit: maxConnections,
      get live() {
        return slots.held;
      },
      get waiting() {
        return slots.waiting;
      },
      get lastFailure() {
        return shared.failure;
      },
      counts: () => sumCounts(shared.counters),
      slots,
      counters: new Counters(shared.counters.at(-1)),
      failed: shared.failed.promise,
      makeRoom: () => false,
      clear: (how) => this.#everywhere((ask) => ask('clear', id, how)),
      flushLog: () => this.#everywhere((ask) => ask('flushLog')),
      drain: async (deadline) => {
        const cut = () => this.#asks.forEach((ask) => void ask('cut', id));
        if (deadline.aborted) cut();
        else deadline.addEventListener('abort', cut);
        await this.#everywhere((ask) => ask('drain', id));
      },
    };
  }

  async #everywhere(what: (ask: Ask<WorkerCalls>) => Promise<unknown>): Promise<void> {
    await Promise.all(this.#asks.map(what));
  }
}
