import { Worker } from 'node:worker_threads';

import type { Config } from '../config/config.ts';
import { listeners, type Lookup } from '../door/listen.ts';
import { messageOf } from '../lib/message-of.ts';
import { isFinal } from '../lib/resolve-error.ts';
import type { Log } from '../log/log.ts';
import { newCounterCells, sumCounts } from '../relay/counters.ts';
import type { Gate } from '../relay/gate.ts';
import type { Relay } from '../relay/relay.ts';
import { newSlotCells, Slots } from '../relay/slots.ts';
import type { MainCalls, News, WorkerCalls, WorkerData } from './calls.ts';
import { type Ask, openChannel } from './channel.ts';

interface Options {
  /** The file that each worker runs. */
  readonly program: string;
  readonly lookup: Lookup;
  readonly log: Log;
  readonly gate: Gate;
  /** Told that there is UDP traffic, every 10 s at most by each thread. */
  readonly onTraffic: () => void;
  /** Writes to standard error; workers log through `log`, and only Node's own warnings come here. */
  readonly writeError: (text: Buffer) => void;
}

/**
 * Opens every relay in each of `config.workers` threads, which share the ports (SO_REUSEPORT, socket(7)) and the limits. Rejects when a port
 * cannot be listened on.
 */
export async function listenInWorkers(
  config: Config,
  { program, lookup, log, gate, onTraffic, writeError }: Options,
): Promise<readonly Relay[]> {
  const ports = listeners(config);
  const slots = ports.map(newSlotCells);
  /** By worker, then by port. */
  const counted = Array.from({ length: config.workers }, () => ports.map(newCounterCells));
  const failures = ports.map((): string | null => null);
  const makingRoom = new Set<number>();
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  failed.catch(() => {}); // a port's relay tells it

  const start = async (counters: WorkerData['counters']): Promise<Ask<WorkerCalls>> => {
    const { promise: listening, resolve } = Promise.withResolvers<void>();
    const worker = new Worker(program, {
      // Node's own piping would open `process.stdout`, which makes a descriptor non-blocking that others may share.
      stdout: true,
      stderr: true,
      workerData: { slots, counters, gate: gate.cell } satisfies WorkerData,
    });
    worker.stderr.on('data', writeError);
    worker.on('error', fail).on('exit', (code) => fail(new Error(`a worker ended with ${code}`)));
    const ask = openChannel<WorkerCalls, MainCalls>(worker, {
      lookup: (host, fresh, wanted) =>
        lookup(host, wanted, { fresh }).then(
          (addresses) => ({ addresses }),
          (cause: unknown) => ({ problem: messageOf(cause), isFinal: isFinal(cause) }),
        ),
      listening: resolve,
      failed: (problem) => fail(new Error(problem)),
      news: takeNews,
    });
    await Promise.race([listening, failed]);
    return ask;
  };
  const crew = await Promise.all(counted.map(start));

  function takeNews({ lines, dialled, crowded, hasTraffic }: News): void {
    for (const { level, fields, message, times } of lines) log[level](fields, message, times);
    for (const [place, failure] of dialled) failures[place] = failure;
    for (const place of crowded) void makeRoom(place);
    if (hasTraffic) onTraffic();
  }

  /** One session at a time: whoever is slow to answer is not asked again meanwhile. */
  async function makeRoom(place: number): Promise<void> {
    if (makingRoom.has(place)) return;
    makingRoom.add(place);
    for (const ask of crew) if (await ask('makeRoom', place)) break;
    makingRoom.delete(place);
  }

  return ports.map(({ listen: port }, place) => {
    const held = new Slots(config.maxConnections, slots[place]);
    return {
      port,
      get live() {
        return held.held;
      },
      get waiting() {
        return held.waiting;
      },
      get lastFailure() {
        return failures[place] ?? null;
      },
      counts: () => sumCounts(counted.flatMap((cells) => cells[place] ?? [])),
      failed,
      makeRoom: () => false,
      async clear(how) {
        await Promise.all(crew.map((ask) => ask('clear', place, how)));
      },
      async settleLog() {
        await Promise.all(crew.map((ask) => ask('settleLog')));
      },
      async drain(deadline) {
        const cut = () => crew.forEach((ask) => void ask('cut', place));
        if (deadline.aborted) cut();
        else deadline.addEventListener('abort', cut);
        await Promise.all(crew.map((ask) => ask('drain', place)));
      },
    };
  });
}
