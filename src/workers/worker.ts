import type { MessagePort } from 'node:worker_threads';

import type { Config } from '../config/config.ts';
import { listen } from '../door/listen.ts';
import { messageOf } from '../lib/message-of.ts';
import type { Log } from '../log/log.ts';
import { Gate } from '../relay/gate.ts';
import { keepHeapFrugal } from '../runtime/frugal-heap.ts';
import { keepHeapTrimmed } from '../runtime/trim-heap.ts';
import type { MainCalls, WorkerCalls, WorkerData } from './calls.ts';
import { openChannel } from './channel.ts';
import { Outbox } from './outbox.ts';
import { shareLookups } from './share-lookups.ts';

/** Relays in a thread beside others on the same ports, until told to drain. Names are resolved and lines logged by the main thread. */
export async function work(
  config: Config,
  { slots, counters, gate }: WorkerData,
  port: MessagePort,
): Promise<void> {
  const cutting = slots.map(() => new AbortController());
  const ask = openChannel<MainCalls, WorkerCalls>(port, {
    drain: async (place) => {
      await relays[place]?.drain(cutting[place]?.signal ?? AbortSignal.abort());
      outbox.flush();
    },
    clear: async (place, how) => relays[place]?.clear(how),
    settleLog: () => outbox.flush(),
    cut: (place) => cutting[place]?.abort(),
    makeRoom: (place) => relays[place]?.makeRoom() ?? false,
  });
  const outbox = new Outbox((news) => ask('news', news));
  const write =
    (level: keyof Log): Log['info'] =>
    (fields, message) =>
      outbox.log(level, fields, message);

  const relays = await listen(config, {
    lookup: shareLookups((...asked) => ask('lookup', ...asked)),
    log: { warn: write('warn'), info: write('info'), debug: write('debug') },
    gate: new Gate(gate),
    slots,
    counters,
    onDial: (place, failure) => outbox.dialled(place, failure),
    onCrowded: (place) => outbox.crowded(place),
    onTraffic: () => outbox.traffic(),
  });
  await ask('listening');
  keepHeapTrimmed();
  keepHeapFrugal();
  await Promise.race(relays.map(({ failed }) => failed)).catch((cause: unknown) => {
    outbox.flush();
    return ask('failed', messageOf(cause));
  });
}
