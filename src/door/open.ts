import { setTimeout as delay } from 'node:timers/promises';

import type { Config } from '../config/config.ts';
import { missingTargets } from '../config/missing-targets.ts';
import { AskedNames, isToBeListed } from '../control/asked-names.ts';
import { watchLostDatagrams } from '../control/lost-datagrams.ts';
import type { Asked, Status } from '../control/protocol.ts';
import { keepErrors } from '../control/recent-errors.ts';
import { report, type Witnesses } from '../control/report.ts';
import { askedServers } from '../dns/asked-servers.ts';
import { Sources } from '../dns/sources.ts';
import { version } from '../lib/version.ts';
import type { FoldingLog } from '../log/fold-repeats.ts';
import { BlackoutFlag } from '../relay/blackout-flag.ts';
import { Blackout, listenForBlackout } from '../runtime/blackout.ts';
import { openDns } from './dns.ts';
import { FollowedConfig } from './followed-config.ts';
import { forRelays, type OpenRelay, type RelayConfig, type RelayParts } from './listen.ts';
import { watchLoops } from './loops.ts';
import { openNameAddresses } from './name-addresses.ts';
import { Relays } from './relays.ts';
import { TargetFile } from './target-file.ts';

interface Deps {
  readonly process: NodeJS.Process;
  /** Reads the configuration again. Throws a ConfigError. */
  readonly readConfig: () => Config;
  /** What opens the relays, in this thread or in several. */
  readonly listen: (config: RelayConfig, parts: RelayParts) => OpenRelay | Promise<OpenRelay>;
  readonly log: FoldingLog;
  /** Log lines left out so far. */
  readonly linesDropped: () => Status['linesDropped'];
}

/** Names, relays and the blackout: all that serves clients, as long as it is open. */
export interface Door extends Pick<Witnesses, 'sources' | 'relays' | 'asked'> {
  /** Connections and sessions that hold a slot. */
  readonly live: number;
  readonly status: () => Status;
  /** Resolves when what `status` tells is of now. */
  readonly look: () => Promise<void>;
  readonly askedNames: () => Asked;
  readonly targetFile: Pick<TargetFile, 'reread'>;
  readonly blackout: Blackout;
  /** Rejects with a ListenError when a listener dies; never resolves. */
  readonly failed: Promise<never>;
  /** Accepts nothing new; resolves when all that lives has ended, which the deadline enforces. */
  readonly drain: (deadline: AbortSignal) => Promise<void>;
  /** Resets what still lives, and asks for names no more. */
  readonly close: () => Promise<void>;
}

/** How long what lives may take to be reset at the end, in ms: a thread that has crashed does not answer. */
const LAST_RESETS = 1_000;

/** Listens on all ports. Rejects with a ListenError when it cannot. */
export async function openDoor(
  config: Config,
  { process, readConfig, listen, log, linesDropped }: Deps,
): Promise<Door> {
  // Before anything else: until then the kernel is a router. What is not needed is not loaded.
  const lanes = config.fastLane ? await (await import('./open-lanes.ts')).openLanes(config, log) : null;
  const closing = new AbortController();
  const { signal } = closing;
  const relays = new Relays();
  const flag = new BlackoutFlag();
  const blackout = new Blackout({
    flag,
    clear: (how) => relays.clear(how),
    onOff: () => void relays.reopen(),
    flushLog: async () => {
      await relays.flushLog();
      log.flush();
    },
    log,
  });
  const targetFile = new TargetFile({ config, read: readConfig, log });
  listenForBlackout(process, blackout, config.targetFile === null ? null : () => void targetFile.reread());
  if (config.blackout) await blackout.switchTo('on', { by: 'start' });

  const sources = sourcesOf(config, { log, signal });
  const lookup: RelayParts['lookup'] = (host, wanted, how) => sources.of(host).addresses(wanted, how);
  const errors = keepErrors(log);
  const lost = watchLostDatagrams(() => relays.all, errors.log);
  const asked = new AskedNames(errors.log);
  const given = await openNameAddresses(config);
  const parts: RelayParts = {
    lookup,
    nameAddresses: given?.names ?? null,
    log: asked.log,
    blackoutFlag: flag,
    onTraffic: lost.onTraffic,
    onName: (counted) => asked.count(counted),
  };
  const openRelay = await listen(forRelays(config), parts);
  given?.follow(config);
  const followed = new FollowedConfig(config, { relays, openRelay, sources, log });
  const lane =
    lanes &&
    new (await import('./fast-lane.ts')).FastLane(config, lanes, {
      addressesOf: (name) => sources.known(name),
      given,
      relays,
      blackoutFlag: flag,
      current: () => followed.current,
      onName: parts.onName,
      log,
    });
  sources.watch(() => void relays.reopen());
  await followed.follow(config);
  if (lane !== null) await relays.putInFront(lane);
  const dns = await openDns(config, {
    log: asked.log,
    onAllowed: (...how) => asked.noteQuestion(...how),
    addressesOf: given?.addressesOf,
  });
  targetFile.start(async (next) => {
    await followed.follow(next);
    given?.follow(next);
    dns?.follow(next);
    await relays.reopen();
  });
  const loops = watchLoops(() => followed.current, { lookup, log, signal });

  return {
    sources,
    relays: () => relays.all,
    asked,
    targetFile,
    get live() {
      return relays.live;
    },
    status: () => ({
      version,
      uptime: Math.round(process.uptime()),
      draining: relays.isDraining,
      blackout: blackout.status,
      linesDropped: linesDropped(),
      loops: loops(),
      targetFile: targetFile.status,
      fastLane: lane?.status ?? null,
      dns: dns && {
        port: dns.port,
        questions: dns.questions(),
        errors: errors.of({ port: dns.port, protocol: 'dns' }),
      },
      ...report(followed.current, {
        sources,
        relays: () => relays.all,
        liveOf: (relay) => relays.liveOf(relay),
        errors,
        lost,
        asked,
        ownAddresses: (name) => given?.known(name) ?? [],
      }),
    }),
    look: async () => lane?.look(),
    askedNames: () => {
      const all = asked.report();
      return { ...all, missing: missingTargets(all.names.filter(isToBeListed), followed.current).join(' ') };
    },
    blackout,
    failed: dns === null ? relays.failed : Promise.race([relays.failed, dns.failed]),
    drain: (deadline) => relays.drain(deadline),
    async close() {
      // What is cut short must not look complete, as it would if the kernel closed it at the process's end.
      await Promise.race([relays.drain(AbortSignal.abort()), delay(LAST_RESETS)]);
      closing.abort();
      dns?.close();
      given?.close();
      lane?.close();
    },
  };
}

function sourcesOf(
  { preResolve, nameservers, refresh, scope }: Config,
  rest: Pick<ConstructorParameters<typeof Sources>[0], 'log' | 'signal'>,
): Sources {
  const asked = askedServers({ preResolve, nameservers });
  return new Sources({ nameservers: asked, keep: preResolve, refresh, scope, ...rest });
}
