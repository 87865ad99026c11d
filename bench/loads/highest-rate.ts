/** What came of a try at a rate. */
export interface Try {
  /** A second; less than was asked for where the sender cannot do more. */
  readonly offered: number;
  readonly delivered: number;
}

interface Options {
  /** The rate to begin with. */
  readonly from: number;
  /** Of what is offered, how much may be lost. */
  readonly maxLoss: number;
  /** How often the span between what passed and what failed is halved, in ratios. */
  readonly halvings: number;
}

type Verdict = 'passed' | 'failed' | 'spent';

/** A sender that reaches less of a rate than this is spent. */
const REACHED = 0.9;
/** Of a rate, as something else on the machine may have come between. */
const TRIES = 2;
/** Below this part of the first rate nobody looks. */
const HOPELESS = 1 / 64;

/**
 * Searches for the highest rate at which no more than allowed is lost: up or down by twos until it is between two rates, then halved into. Null where
 * no rate passes. What it returns has been delivered.
 */
export async function highestRate<T extends Try>(
  attempt: (rate: number) => Promise<T>,
  { from, maxLoss, halvings }: Options,
): Promise<T | null> {
  const passed: T[] = [];
  const judge = async (rate: number): Promise<Verdict> => {
    for (let i = 0; i < TRIES; i++) {
      const result = await attempt(rate);
      if (result.delivered < (1 - maxLoss) * result.offered) continue;
      passed.push(result);
      return result.offered < REACHED * rate ? 'spent' : 'passed';
    }
    return 'failed';
  };

  let low = from;
  let high = from;
  let verdict = await judge(from);
  if (verdict === 'failed')
    while (verdict === 'failed' && low > from * HOPELESS) {
      high = low;
      low /= 2;
      verdict = await judge(low);
    }
  else
    while (verdict === 'passed') {
      low = high;
      high *= 2;
      verdict = await judge(high);
    }
  for (let i = 0; i < halvings && passed.length > 0 && verdict !== 'spent'; i++) {
    const middle = Math.sqrt(low * high);
    verdict = await judge(middle);
    if (verdict === 'passed') low = middle;
    else high = middle;
  }
  return passed.toSorted((a, b) => b.delivered - a.delivered)[0] ?? null;
}
