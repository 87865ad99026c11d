/** So many lines at once, and so many a second after them (a token bucket). */
interface Allowance {
  readonly burst: number;
  readonly rate: number;
}

/** What was left when a line was last taken. */
interface Bucket {
  readonly tokens: number;
  readonly takenAt: number;
}

/** Whether a line may be written; if not, whose allowance is used up. */
type Verdict = 'granted' | 'source spent' | 'all spent';

interface Options {
  readonly perSource: Allowance;
  readonly inAll: Allowance;
}

/**
 * Bounds how many lines sources (clients, say) can cause, each of them and all together. The more of its own a source has used, the more must be
 * left of what all share, up to half, so that noisy sources do not hide the others. Remembers only sources that were granted a line lately, which
 * `inAll` bounds.
 */
export class LineBudget {
  readonly #perSource: Allowance;
  readonly #inAll: Allowance;
  #all: Bucket | null = null;
  /** Those that may not be full yet; the one that was granted a line the longest ago first. */
  readonly #sources = new Map<string, Bucket>();

  constructor({ perSource, inAll }: Options) {
    this.#perSource = perSource;
    this.#inAll = inAll;
  }

  /** How many sources are remembered. */
  get size(): number {
    return this.#sources.size;
  }

  /** Takes one line from both allowances, or from neither. */
  take(source: string): Verdict {
    const now = performance.now();
    this.#forgetFull(now);
    const own = tokensOf(this.#sources.get(source), this.#perSource, now);
    const all = tokensOf(this.#all, this.#inAll, now);
    if (own < 1) return 'source spent';
    const used = 1 - own / this.#perSource.burst;
    if (all < 1 + (used * this.#inAll.burst) / 2) return 'all spent';
    this.#all = { tokens: all - 1, takenAt: now };
    this.#sources.delete(source);
    this.#sources.set(source, { tokens: own - 1, takenAt: now });
    return 'granted';
  }

  #forgetFull(now: number): void {
    const { burst, rate } = this.#perSource;
    for (const [source, { takenAt }] of this.#sources) {
      if (now - takenAt < (burst / rate) * 1_000) return;
      this.#sources.delete(source);
    }
  }
}

function tokensOf(bucket: Bucket | null | undefined, { burst, rate }: Allowance, now: number): number {
  if (!bucket) return burst;
  return Math.min(burst, bucket.tokens + ((now - bucket.takenAt) / 1_000) * rate);
}
