import { listSome } from '../lib/list-some.ts';
import { ResolveError } from '../lib/resolve-error.ts';
import type { Scope } from '../lib/target-scope.ts';
import type { Log } from '../log/log.ts';
import { recordTypes } from './ipv6.ts';
import type { AddressRecord, Answer, Resolve } from './resolver.ts';
import { judgeOf } from './scope.ts';

/** What the lookups of all names share. */
interface Options {
  readonly resolve: Resolve;
  readonly scope: Scope;
  /** Takes the time of a lookup that ends with this signal; resolves as it does. */
  readonly timed: <T>(lookup: Promise<T>, signal: AbortSignal) => Promise<T>;
  readonly log: Pick<Log, 'warn'>;
}

/** Asks for one name, and leaves what may be dialled of each answer. What it leaves out is logged, and not again while the answers stay the same. */
export class NameLookup {
  readonly name: string;
  readonly #options: Options;
  #leftOut = 0;
  #dropped = '';

  constructor(name: string, options: Options) {
    this.name = name;
    this.#options = options;
  }

  /** Rejects when there is no usable answer: as resolving does, or with a ResolveError when no address is within the scope. */
  async ask(signal: AbortSignal): Promise<Answer> {
    const { resolve, scope, timed } = this.#options;
    const types = recordTypes({ loopback: scope === 'any' });
    const answer = await timed(resolve(this.name, types, signal), signal);
    this.#noteLeftOut(answer);
    return { ...answer, records: this.#withinScope(answer.records) };
  }

  #noteLeftOut({ records, leftOut }: Answer): void {
    if (leftOut > 0 && leftOut !== this.#leftOut)
      this.#options.log.warn(
        { name: this.name, used: records.length, leftOut },
        'more addresses than are used',
      );
    this.#leftOut = leftOut;
  }

  #withinScope(records: readonly AddressRecord[]): readonly AddressRecord[] {
    const { name } = this;
    const { scope, log } = this.#options;
    const judge = judgeOf(scope);
    const judged = records.map((record) => ({ record, reason: judge(record.address) }));
    const outside = judged.filter(({ reason }) => reason !== null);
    const dropped = listSome(
      outside.map(({ record, reason }) => `${record.address} (${reason})`),
      ', ',
    );
    if (dropped !== '' && dropped !== this.#dropped)
      log.warn({ name, dropped, scope }, 'answers out of TARGET_SCOPE dropped');
    this.#dropped = dropped;

    if (outside.length === records.length)
      throw new ResolveError(`no address of ${name} is within TARGET_SCOPE=${scope}: ${dropped}`, {
        isFinal: true,
      });
    return outside.length === 0
      ? records
      : judged.filter(({ reason }) => reason === null).map(({ record }) => record);
  }
}
