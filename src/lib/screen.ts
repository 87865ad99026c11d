import { setTimeout as delay } from 'node:timers/promises';
import { styleText } from 'node:util';

import { visible } from './visible.ts';

export interface ScreenLine {
  readonly text: string;
  /** How it is shown where there is colour. */
  readonly style: 'bold' | 'yellow' | null;
}

/** What is shown in one place, again and again. */
export interface Screen {
  /** Whether the user has ended it: by q, Ctrl-C or SIGTERM, or as nobody reads any more. */
  readonly isClosed: boolean;
  readonly show: (lines: readonly ScreenLine[]) => void;
  /** Resolves after so many ms, or as soon as it is closed. */
  readonly pause: (time: number) => Promise<void>;
  /** Gives the terminal back as it was. */
  readonly close: () => void;
}

/** The other screen, without a cursor, and lines cut off at its edge (xterm's control sequences; DECTCEM and DECAWM of the VT510). */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const END_OF_LINE = '\u001b[K';
const REST_OF_SCREEN = '\u001b[J';
const CTRL_C = '\u0003';

/**
 * A terminal's screen; where standard output is none, what is shown is printed, one block below the other. Colour is
 * for terminals that have it, and where NO_COLOR is not set. Nothing that is shown can steer the terminal.
 */
export function openScreen(process: Pick<NodeJS.Process, 'stdin' | 'stdout' | 'on' | 'off'>): Screen {
  const { stdin, stdout } = process;
  const closing = new AbortController();
  const end = () => closing.abort();
  const onKeys = (keys: Buffer) => {
    if (keys.includes('q') || keys.includes(CTRL_C)) end();
  };
  process.on('SIGINT', end).on('SIGTERM', end);
  stdout.on('error', end);
  if (stdout.isTTY) stdout.write(ENTER);
  if (stdout.isTTY && stdin.isTTY) stdin.setRawMode(true).on('data', onKeys);

  return {
    get isClosed() {
      return closing.signal.aborted;
    },
    show(lines) {
      const shown = lines.map(({ text, style }) =>
        style === null ? visible(text) : styleText(style, visible(text), { stream: stdout }),
      );
      if (!stdout.isTTY) return void stdout.write(`${shown.join('\n')}\n\n`);
      const fitting = shown.slice(0, stdout.rows).map((line) => `${line}${END_OF_LINE}`);
      stdout.write(`${HOME}${fitting.join('\r\n')}${REST_OF_SCREEN}`);
    },
    async pause(time) {
      await delay(time, undefined, { signal: closing.signal }).catch(() => {});
    },
    close() {
      process.off('SIGINT', end).off('SIGTERM', end);
      stdout.off('error', end);
      if (stdout.isTTY) stdout.write(LEAVE);
      if (stdout.isTTY && stdin.isTTY) stdin.off('data', onKeys).setRawMode(false).pause();
    },
  };
}
