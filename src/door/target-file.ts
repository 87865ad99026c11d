import { ConfigError } from '../config/config-error.ts';
import type { Config } from '../config/config.ts';
import { describeRoutes } from '../config/routes.ts';
import type { Status } from '../control/protocol.ts';
import { listSome } from '../lib/list-some.ts';
import { messageOf } from '../lib/message-of.ts';
import type { Log } from '../log/log.ts';

interface Options {
  /** What is in force. */
  readonly config: Config;
  /** Reads the environment, and with it the file. Throws a ConfigError. */
  readonly read: () => Config;
  readonly log: Pick<Log, 'warn' | 'info'>;
}

/** Has the door go by another list. Rejects when it cannot, and nothing has changed then. */
type Follow = (config: Config) => Promise<void>;

/** The list of TARGET_FILE: what is in force of it. */
export class TargetFile {
  readonly #options: Options;
  #config: Config;
  #problem: string | null = null;
  #since = new Date();
  readonly #started = Promise.withResolvers<Follow>();
  /** Resolves when all readings till now are over. */
  #read: Promise<void> = Promise.resolve();

  constructor(options: Options) {
    this.#options = options;
    this.#config = options.config;
  }

  /** Null where TARGET lists the names. */
  get status(): Status['targetFile'] {
    const { targetFile: path, targetText: text } = this.#config;
    if (path === null || text === null) return null;
    return { path, text, since: this.#since.toISOString(), problem: this.#problem };
  }

  /** To be called when the door is open: until then, readings wait. */
  start(follow: Follow): void {
    this.#started.resolve(follow);
  }

  /** Reads the file again. What cannot be used changes nothing, and is logged; with `forNews`, what is in force already is not. Never rejects. */
  reread({ forNews = false } = {}): Promise<void> {
    this.#read = Promise.all([this.#started.promise, this.#read]).then(([follow]) =>
      this.#reread(follow, forNews),
    );
    return this.#read;
  }

  async #reread(follow: Follow, forNews: boolean): Promise<void> {
    const { read, log } = this.#options;
    try {
      const next = read();
      const isNews = next.targetText !== this.#config.targetText;
      if (forNews && !isNews && this.#problem === null) return;
      await follow(next);
      const { targets, nameCheck } = next;
      this.#config = next;
      if (isNews) this.#since = new Date();
      this.#problem = null;
      log.info(
        { targets, nameCheck, routes: describeRoutes(next) },
        'TARGET_FILE is read: its list is in force',
      );
    } catch (cause) {
      const err = cause instanceof ConfigError ? listSome(cause.problems, '; ') : messageOf(cause);
      this.#problem = err;
      log.warn({ err }, 'TARGET_FILE cannot be used: the list in force stays');
    }
  }
}
