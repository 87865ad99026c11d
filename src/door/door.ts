import { setTimeout as delay } from 'node:timers/promises';

import type { Additions } from '../config/additions.ts';
import { missingTargets } from '../config/missing-targets.ts';
import { isToBeListed } from '../control/asked-names.ts';
import type { Asked, Status } from '../control/protocol.ts';
import { report, type Witnesses } from '../control/report.ts';
import { version } from '../lib/version.ts';
import type { Blackout } from '../runtime/blackout.ts';
import type { OwnDns } from './dns.ts';
import type { FastLane } from './fast-lane.ts';
import type { FollowedConfig } from './followed-config.ts';
import type { GivenAddresses } from './name-addresses.ts';
import type { Relays } from './relays.ts';
import type { TargetFile } from './target-file.ts';

/** What serves clients, and what tells of it; null is what is off. */
interface Parts {
  readonly process: Pick<NodeJS.Process, 'uptime'>;
  readonly followed: Pick<FollowedConfig, 'current'>;
  readonly targetFile: TargetFile;
  readonly blackout: Blackout;
  readonly relays: Relays;
  readonly witnesses: Witnesses;
  readonly additions: Pick<Additions, 'find'>;
  /** Log lines left out so far. */
  readonly linesDropped: () => Status['linesDropped'];
  readonly loops: () => Status['loops'];
  readonly given: GivenAddresses | null;
  readonly lane: FastLane | null;
  readonly dns: OwnDns | null;
  /** Ends the asking for names. */
  readonly closing: AbortController;
}

/** How long what lives may take to be reset at the end, in ms: a thread that has crashed does not answer. */
const LAST_RESETS = 1_000;

/** Names, relays and the blackout: all that serves clients, as long as it is open. */
export class Door {
  readonly witnesses: Witnesses;
  readonly targetFile: Pick<TargetFile, 'reread'>;
  readonly blackout: Blackout;
  /** Rejects with a ListenError when a listener dies; never resolves. */
  readonly failed: Promise<never>;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    const { witnesses, targetFile, blackout, relays, dns } = parts;
    this.witnesses = witnesses;
    this.targetFile = targetFile;
    this.blackout = blackout;
    this.failed = dns === null ? relays.failed : Promise.race([relays.failed, dns.failed]);
    this.#parts = parts;
  }

  /** Connections and sessions that hold a slot. */
  get live(): number {
    return this.#parts.relays.live;
  }

  status(): Status {
    const { process, followed, targetFile, relays, linesDropped, loops, lane, dns } = this.#parts;
    const { errors } = this.witnesses;
    return {
      version,
      uptime: Math.round(process.uptime()),
      draining: relays.isDraining,
      blackout: this.blackout.status,
      linesDropped: linesDropped(),
      loops: loops(),
      targetFile: targetFile.status,
      fastLane: lane?.status ?? null,
      dns: dns && {
        port: dns.port,
        questions: dns.questions(),
        errors: errors.of({ port: dns.port, protocol: 'dns' }),
      },
      ...report(followed.current, this.witnesses),
    };
  }

  /** Resolves when what `status` tells is of now. */
  async look(): Promise<void> {
    await this.#parts.lane?.look();
  }

  askedNames(): Asked {
    const all = this.witnesses.asked.report();
    const { followed, additions } = this.#parts;
    const missing = missingTargets(all.names.filter(isToBeListed), followed.current);
    const { added, leftOut } = additions.find(missing, followed.current);
    return { ...all, missing: added.join(' '), leftOut };
  }

  /** Accepts nothing new; resolves when all that lives has ended, which the deadline enforces. */
  drain(deadline: AbortSignal): Promise<void> {
    return this.#parts.relays.drain(deadline);
  }

  /** Resets what still lives, and asks for names no more. */
  async close(): Promise<void> {
    const { relays, closing, dns, given, lane } = this.#parts;
    // What is cut short must not look complete, as it would if the kernel closed it at the process's end.
    await Promise.race([relays.drain(AbortSignal.abort()), delay(LAST_RESETS)]);
    closing.abort();
    dns?.close();
    given?.close();
    lane?.close();
  }
}
