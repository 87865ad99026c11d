import type { MessagePort } from 'node:worker_threads';

import { abortable } from '../abortable.ts';
import type { Config } from '../config/config.ts';
import { listen } from '../listen.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../message-of.ts';
import { Gate } from '../relay/gate.ts';
import type { MainCalls, WorkerCalls, WorkerData } from './calls.ts';
import { openChannel } from './channel.ts';

/** Relays in a thread beside others on the same ports, until told to drain. Names are resolved and lines logged by the main thread. */
export async function work(
  config: Config,
  { slots, counters, gate }: WorkerData,
  port: MessagePort,
): Promise<void> {
  const cutting = slots.map(() => new AbortController());
  const ask = openChannel<MainCalls, WorkerCalls>(port, {
    drain: async (place) => relays[place]?.drain(cutting[place]?.signal ?? AbortSignal.abort()),
    clear: async (place, how) => relays[place]?.clear(how),
    cut: (place) => cutting[place]?.abort(),
    makeRoom: (place) => relays[place]?.makeRoom() ?? false,
  });
  const write =
    (level: keyof Log): Log['info'] =>
    (fields, message) =>
      void ask('log', level, plain(fields), message);

  const relays = await listen(config, {
    lookup: (host, signal, { fresh = false } = {}) => abortable(ask('lookup', host, fresh), signal),
    log: { warn: write('warn'), info: write('info'), debug: write('debug') },
    gate: new Gate(gate),
    slots,
    counters,
    onDial: (place, failure) => void ask('dialled', place, failure),
    onCrowded: (place) => void ask('crowded', place),
    onTraffic: () => void ask('traffic'),
  });
  await ask('listening');
  await Promise.race(relays.map(({ failed }) => failed)).catch((cause: unknown) =>
    ask('failed', messageOf(cause)),
  );
}

/** Errors as they will read: classes do not pass between threads. */
function plain(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? messageOf(value) : value]),
  );
}
