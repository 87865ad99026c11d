import type { Additions } from '../config/additions.ts';
import type { Config } from '../config/config.ts';
import { AskedNames } from '../control/asked-names.ts';
import { watchLostDatagrams } from '../control/lost-datagrams.ts';
import type { Status } from '../control/protocol.ts';
import { keepErrors } from '../control/recent-errors.ts';
import type { Witnesses } from '../control/report.ts';
import { askedServers } from '../dns/asked-servers.ts';
import { Sources } from '../dns/sources.ts';
import type { FoldingLog } from '../log/fold-repeats.ts';
import { BlackoutFlag } from '../relay/blackout-flag.ts';
import { Blackout, listenForBlackout } from '../runtime/blackout.ts';
import { openDns } from './dns.ts';
import { Door } from './door.ts';
import type { FastLane } from './fast-lane.ts';
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
  readonly additions: Pick<Additions, 'find'>;
  /** Log lines left out so far. */
  readonly linesDropped: () => Status['linesDropped'];
}

/** Of names; the signal ends it. */
interface Asking {
  readonly log: FoldingLog;
  readonly signal: AbortSignal;
}

type Names = Awaited<ReturnType<typeof openNames>>;

/** Listens on all ports. Rejects with a ListenError when it cannot. */
export async function openDoor(config: Config, deps: Deps): Promise<Door> {
  const { listen, log } = deps;
  // Before anything else: until then the kernel is a router. What is not needed is not loaded.
  const opened = config.fastLane ? await (await import('./open-lanes.ts')).openLanes(config, log) : null;
  const closing = new AbortController();
  const { signal } = closing;
  const relays = new Relays();
  const switches = await openSwitches(config, relays, deps);
  const names = await openNames(config, relays, { log, signal });
  const { sources, asked, given } = names;
  const parts = partsOf(names, switches.blackoutFlag);
  const openRelay = await listen(forRelays(config), parts);
  given?.follow(config);
  const followed = new FollowedConfig(config, { relays, openRelay, sources, log });
  const current = () => followed.current;
  const laneDeps = {
    addressesOf: (name: string) => sources.known(name),
    given,
    relays,
    blackoutFlag: parts.blackoutFlag,
    current,
    onName: parts.onName,
    log,
  };
  const lane = opened && (await loadLane(config, opened.lanes, { ...laneDeps, ...opened }));
  sources.watch(() => void relays.reopen());
  await followed.follow(config);
  if (lane !== null) await relays.putInFront(lane);
  const dns = await openDns(config, {
    log: asked.log,
    onAllowed: (...how) => asked.noteQuestion(...how),
    addressesOf: given?.addressesOf,
  });
  switches.targetFile.start(async (next) => {
    await followed.follow(next);
    given?.follow(next);
    dns?.follow(next);
    await relays.reopen();
  });
  const loops = watchLoops(current, { lookup: parts.lookup, log, signal });
  const witnesses = witnessesOf(names, relays);
  return new Door({ ...deps, ...switches, relays, witnesses, followed, given, lane, dns, loops, closing });
}

/** What changes while the relay runs: the blackout, which is on by now if it is to be, and the list. */
async function openSwitches(config: Config, relays: Relays, { process, readConfig, log }: Deps) {
  const blackoutFlag = new BlackoutFlag();
  const blackout = new Blackout({
    flag: blackoutFlag,
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
  return { blackoutFlag, blackout, targetFile };
}

/** What knows names, and what becomes of those who ask for them. */
async function openNames(config: Config, relays: Relays, { log, signal }: Asking) {
  const errors = keepErrors(log);
  return {
    sources: sourcesOf(config, { log, signal }),
    errors,
    lost: watchLostDatagrams(() => relays.all, errors.log),
    asked: new AskedNames(errors.log),
    given: await openNameAddresses(config),
  };
}

function partsOf({ sources, asked, lost, given }: Names, blackoutFlag: BlackoutFlag): RelayParts {
  return {
    lookup: (host, wanted, how) => sources.of(host).addresses(wanted, how),
    nameAddresses: given?.names ?? null,
    log: asked.log,
    blackoutFlag,
    onTraffic: lost.onTraffic,
    onName: (counted) => asked.count(counted),
  };
}

function witnessesOf({ given, ...names }: Names, relays: Relays): Witnesses {
  return {
    ...names,
    relays: () => relays.all,
    liveOf: (relay) => relays.liveOf(relay),
    ownAddresses: (name) => given?.known(name) ?? [],
  };
}

async function loadLane(...how: ConstructorParameters<typeof FastLane>): Promise<FastLane> {
  const { FastLane: Loaded } = await import('./fast-lane.ts');
  return new Loaded(...how);
}

function sourcesOf({ preResolve, nameservers, refresh, scope }: Config, { log, signal }: Asking): Sources {
  const asked = askedServers({ preResolve, nameservers });
  return new Sources({ nameservers: asked, keep: preResolve, refresh, scope, log, signal });
}
