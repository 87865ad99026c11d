import type { Answer } from '../control/protocol.ts';
import type { Io } from '../lib/arguments.ts';
import { openScreen, type ScreenLine } from '../lib/screen.ts';
import { askOwnRelay } from './ask-own-relay.ts';
import { describeBytes } from './describe-bytes.ts';
import { describeLeftOut, describeNames } from './describe-names.ts';
import { describeStatus, warningsOf } from './describe-status.ts';
import { type Columns, table } from './table.ts';

type Status = Omit<Answer, 'error'>;

/** How often the relay is asked, in ms. */
const PERIOD = 2_000;
/** How many answers a plot goes back. */
const SAMPLES = 30;
const BARS = '▁▂▃▄▅▆▇█';
/** How many of the names that were asked for are shown, the newest first. */
const NAMES_SHOWN = 10;
const HEADING = /^[A-Z][A-Z/ ]*$/;

const TRAFFIC_COLUMNS: Columns<{ readonly port: string; readonly rates: readonly number[] }> = {
  PORT: ({ port }) => port,
  'BYTES/S': ({ rates }) => describeBytes(Math.round(rates.at(-1) ?? 0)),
  'LAST MINUTE': ({ rates }) => plot(rates),
};

/**
 * Shows the relay's status every 2 s until q, Ctrl-C or SIGTERM: in place on a terminal, one below the other elsewhere. Resolves with the exit code, 1 where
 * none answers at first.
 */
export async function watchStatus(io: Io): Promise<number> {
  let problem: readonly string[] = [];
  const ask = () => askOwnRelay({ ...io, printError: (...lines) => (problem = lines) }, { names: true });
  const first = await ask();
  if (first === null) {
    io.printError(...problem);
    return 1;
  }
  const traffic = new Traffic();
  const screen = openScreen(process);
  try {
    for (let status: Status | null = first; !screen.isClosed; status = await ask()) {
      screen.show(status === null ? problem.map(asWarning) : linesOf(status, traffic));
      await screen.pause(PERIOD);
    }
  } finally {
    screen.close();
  }
  return 0;
}

function linesOf(status: Status, traffic: Traffic): readonly ScreenLine[] {
  const warnings = new Set(warningsOf(status));
  const { asked } = status;
  const newest = asked?.names.toSorted((one, other) => (other.last ?? '').localeCompare(one.last ?? ''));
  const lines = [
    ...describeStatus(status),
    '',
    ...table(TRAFFIC_COLUMNS, traffic.add(status)),
    '',
    ...(asked === undefined ? [] : describeNames({ ...asked, names: newest?.slice(0, NAMES_SHOWN) ?? [] })),
    ...(asked === undefined || asked.missing === ''
      ? []
      : [`to let these through, add to TARGET: ${asked.missing}`]),
    ...describeLeftOut(asked?.leftOut ?? []),
  ];
  return lines.map((text) => {
    if (warnings.has(text)) return asWarning(text);
    return { text, style: HEADING.test(text) ? 'bold' : null };
  });
}

function asWarning(text: string): ScreenLine {
  return { text, style: 'yellow' };
}

/** Bytes a second of each port, from one answer to the next. */
class Traffic {
  readonly #known = new Map<
    string,
    { readonly total: number; readonly at: number; readonly rates: readonly number[] }
  >();

  /** With the newest answer; the newest rates are last. */
  add({ ports }: Pick<Status, 'ports'>) {
    const at = performance.now();
    return ports.map(({ port, protocol, sent, received }) => {
      const key = `${port}/${protocol}`;
      const total = sent + received;
      const known = this.#known.get(key);
      // A relay that was started anew counts from 0.
      const rate = known === undefined ? 0 : (Math.max(0, total - known.total) * 1_000) / (at - known.at);
      const rates = [...(known?.rates ?? []), rate].slice(-SAMPLES);
      this.#known.set(key, { total, at, rates });
      return { port: key, rates };
    });
  }
}

function plot(rates: readonly number[]): string {
  const most = Math.max(1, ...rates);
  return rates.map((rate) => BARS[Math.ceil((rate / most) * (BARS.length - 1))] ?? '').join('');
}
