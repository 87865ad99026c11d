import type { BlackoutState, BlackoutStatus } from '../control/protocol.ts';
import type { Log } from '../log/log.ts';
import type { BlackoutFlag } from '../relay/blackout-flag.ts';
import type { Relay } from '../relay/relay.ts';

interface Options {
  readonly flag: BlackoutFlag;
  /** Ends what lives; see Relay. */
  readonly clear: Relay['clear'];
  /** Told that everybody is let in again. */
  readonly onOff: () => void;
  /** Logs all that has happened till now, what was folded too. */
  readonly flushLog: () => Promise<void>;
  readonly log: Pick<Log, 'warn'>;
}

interface Change {
  /** Who makes it. */
  readonly by: BlackoutStatus['by'];
  /** It ends by itself after so long, in ms; null: it does not. */
  readonly duration?: number | null;
}

/** The drill of cutting everybody off while the relay runs. */
export class Blackout {
  readonly #options: Options;
  #status: BlackoutStatus = { state: 'off', by: 'start', since: isoTime(Date.now()), until: null };
  #timer: NodeJS.Timeout | undefined;
  /** Resolves when all changes till now are logged. */
  #logged = Promise.resolve();

  constructor(options: Options) {
    this.#options = options;
  }

  get status(): BlackoutStatus {
    return this.#status;
  }

  /**
   * Replaces what was before, its end too. From now on nobody is let in, or everybody again; resolves when what lives has been told, and the log. Rejects where
   * something may go on all the same.
   */
  async switchTo(state: BlackoutState, { by, duration = null }: Change): Promise<void> {
    const { flag, clear, onOff, flushLog, log } = this.#options;
    const isSame = state === this.#status.state;
    clearTimeout(this.#timer);
    if (duration !== null)
      this.#timer = setTimeout(() => void this.switchTo('off', { by: 'timer' }), duration).unref();
    const now = Date.now();
    const since = isSame ? this.#status.since : isoTime(now);
    const until = duration === null ? null : isoTime(now + duration);
    this.#status = { state, by, since, until };
    flag.isOn = state !== 'off';
    this.#logged = this.#logged.then(async () => {
      await flushLog(); // so that a refusal stands on the side of this line where it happened
      // Whatever the LOG_LEVEL of a relay at work, this is to be seen.
      log.warn({ by, since, until }, `blackout ${state}`);
    });
    if (state === 'off') onOff();
    try {
      if (state !== 'off') await clear(state === 'on' ? 'cut' : 'drain');
    } finally {
      await this.#logged;
    }
  }
}

/** SIGUSR2 begins a blackout, from now on, and SIGHUP ends it, unless `onHangup` is what it is for: for a host that cannot run a command beside the relay. */
export function listenForBlackout(
  process: NodeJS.Process,
  blackout: Blackout,
  onHangup: (() => void) | null,
): void {
  // Why the kernel cannot be told is in the log already.
  const attempt = (...how: Parameters<Blackout['switchTo']>) =>
    void blackout.switchTo(...how).catch(() => {});
  process.on('SIGUSR2', () => attempt('on', { by: 'SIGUSR2' }));
  process.on('SIGHUP', onHangup ?? (() => attempt('off', { by: 'SIGHUP' })));
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}
