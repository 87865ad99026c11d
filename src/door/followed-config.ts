import type { Config } from '../config/config.ts';
import { isWildcard } from '../config/targets.ts';
import type { Sources } from '../dns/sources.ts';
import type { FoldingLog } from '../log/fold-repeats.ts';
import type { OpenRelay } from './listen.ts';
import type { Relays } from './relays.ts';

interface Followers {
  readonly relays: Relays;
  readonly openRelay: OpenRelay;
  readonly sources: Sources;
  readonly log: FoldingLog;
}

/** The configuration that names, relays and the log go by; its list may change. */
export class FollowedConfig {
  #current: Config;
  readonly #followers: Followers;

  constructor(first: Config, followers: Followers) {
    this.#current = first;
    this.#followers = followers;
  }

  get current(): Config {
    return this.#current;
  }

  /**
   * Goes by this one from now on. Rejects with a ListenError when one of its ports cannot be listened on; then everything goes by the former one. Ports come
   * first: looking up a thousand names would hold them up, and whoever comes meanwhile has a name looked up at once.
   */
  async follow(next: Config): Promise<void> {
    const { relays, openRelay, sources, log } = this.#followers;
    log.list([...this.#current.targets, ...next.targets]);
    try {
      await relays.follow(next.listeners, openRelay);
      this.#current = next;
    } finally {
      log.list(this.#current.targets);
      sources.follow(this.#current.targets.filter((target) => !isWildcard(target)));
    }
  }
}
