import type { MessagePort } from 'node:worker_threads';

import { listen } from '../door/listen.ts';
import { messageOf } from '../lib/message-of.ts';
import type { Log } from '../log/log.ts';
import { BlackoutFlag } from '../relay/blackout-flag.ts';
import { keepHeapFrugal } from '../runtime/frugal-heap.ts';
import { keepHeapTrimmed } from '../runtime/trim-heap.ts';
import type { MainCalls, WorkerCalls, WorkerData } from './calls.ts';
import { answerCalls, callsTo } from './channel.ts';
import { Outbox } from './outbox.ts';
import { shareLookups } from './share-lookups.ts';

/** Relays in a thread beside others on the same ports, until told to drain. Names are resolved and lines logged by the main thread. */
export async function work(
  { config, slots, counters, blackoutCell }: WorkerData,
  port: MessagePort,
): Promise<void> {
  const ask = callsTo<MainCalls>(port);
  const outbox = new Outbox((news) => ask('news', news));
  const write =
    (level: keyof Log): Log['info'] =>
    (fields, message) =>
      outbox.log(level, fields, message);

  const relays = await listen(config, {
    lookup: shareLookups((...asked) => ask('lookup', ...asked)),
    log: { warn: write('warn'), info: write('info'), debug: write('debug') },
    blackoutFlag: new BlackoutFlag(blackoutCell),
    slots,
    counters,
    onDial: (index, failure) => outbox.dialled(index, failure),
    onCrowded: (index) => outbox.crowded(index),
    onTraffic: () => outbox.traffic(),
  });
  const cutting = relays.map(() => new AbortController());
  answerCalls<WorkerCalls>(port, {
    drain: async (index) => {
      await relays[index]?.drain(cutting[index]?.signal ?? AbortSignal.abort());
      outbox.flush();
    },
    clear: async (index, how) => relays[index]?.clear(how),
    settleLog: () => outbox.flush(),
    cut: (index) => cutting[index]?.abort(),
    makeRoom: (index) => relays[index]?.makeRoom() ?? false,
  });
  await ask('listening');
  keepHeapTrimmed();
  keepHeapFrugal();
  await Promise.race(relays.map(({ failed }) => failed)).catch((cause: unknown) => {
    outbox.flush();
    return ask('failed', messageOf(cause));
  });
}
