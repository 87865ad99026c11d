import type { MessagePort } from 'node:worker_threads';

import { type LedRelay, listenHere } from '../door/listen.ts';
import { messageOf } from '../lib/message-of.ts';
import type { Log } from '../log/log.ts';
import { BlackoutFlag } from '../relay/blackout-flag.ts';
import { NameAddresses } from '../relay/name-addresses.ts';
import { keepHeapFrugal } from '../runtime/frugal-heap.ts';
import { keepHeapTrimmed } from '../runtime/trim-heap.ts';
import type { MainCalls, WorkerCalls, WorkerData } from './calls.ts';
import { answerCalls, callsTo } from './channel.ts';
import { Outbox } from './outbox.ts';
import { shareLookups } from './share-lookups.ts';

/** Relays in a thread beside others on the same ports, which the main thread has it open. Names are resolved and lines logged by the main thread. */
export async function work(
  { config, blackoutCell, nameAddressCells }: WorkerData,
  port: MessagePort,
): Promise<void> {
  const ask = callsTo<MainCalls>(port);
  const outbox = new Outbox((news) => ask('news', news));
  const write =
    (level: keyof Log): Log['info'] =>
    (fields, message) =>
      outbox.log(level, fields, message);

  const openRelay = listenHere(config, {
    lookup: shareLookups((...asked) => ask('lookup', ...asked)),
    log: { warn: write('warn'), info: write('info'), debug: write('debug') },
    blackoutFlag: new BlackoutFlag(blackoutCell),
    nameAddresses:
      config.nameAddresses &&
      nameAddressCells &&
      new NameAddresses(config.nameAddresses.networks, nameAddressCells),
    onTraffic: () => outbox.traffic(),
    onName: (counted) => outbox.counted(counted),
  });
  const relays = new Map<number, LedRelay>();
  const cutting = new Map<number, AbortController>();
  const failed = Promise.withResolvers<never>();
  answerCalls<WorkerCalls>(port, {
    open: async (id, portConfig, cells) => {
      const led = await openRelay(portConfig, {
        ...cells,
        onDial: (failure) => outbox.dialled(id, failure),
        onCrowded: () => outbox.crowded(id),
      });
      relays.set(id, led);
      cutting.set(id, new AbortController());
      led.relay.failed.catch(failed.reject);
    },
    lead: async (id, portConfig) => {
      await relays.get(id)?.lead(portConfig);
      outbox.flush();
    },
    end: async (id) => {
      await relays.get(id)?.end();
      outbox.flush();
      relays.delete(id);
      cutting.delete(id);
    },
    drain: async (id) => {
      await relays.get(id)?.relay.drain(cutting.get(id)?.signal ?? AbortSignal.abort());
      outbox.flush();
    },
    clear: async (id, how) => relays.get(id)?.relay.clear(how),
    flushLog: () => outbox.flush(),
    cut: (id) => cutting.get(id)?.abort(),
    makeRoom: (id) => relays.get(id)?.relay.makeRoom() ?? false,
  });
  await ask('ready');
  keepHeapTrimmed();
  keepHeapFrugal();
  await failed.promise.catch((cause: unknown) => {
    outbox.flush();
    return ask('failed', messageOf(cause));
  });
}
