import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import { temporaryDirectory } from './program.ts';

/** A pipe with a name (fifo(7)). */
export interface Fifo {
  readonly path: string;
  /** A blocking descriptor to write to it, as a shell would hand down. */
  readonly fd: number;
  /** Writes lines until it holds no more; what it holds then. */
  readonly fill: () => string;
  /** Reads it from now on. */
  readonly read: () => Socket;
  /** Closes this process's descriptors: a reader then reads to the end, once other writers have closed theirs. */
  readonly close: () => void;
}

/** A pipe that nobody reads yet; removed with the test. Its writer sees no EPIPE, as the pipe stays open for reading. */
export function fifo(): Fifo {
  const path = join(temporaryDirectory(), 'fifo');
  execFileSync('/usr/bin/mkfifo', [path]);
  const kept = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const fd = openSync(path, constants.O_WRONLY);
  let isOpen = true;
  const close = () => {
    if (isOpen) for (const each of [kept, fd]) closeSync(each);
    isOpen = false;
  };
  onTestFinished(close);
  return {
    path,
    fd,
    close,
    fill() {
      let held = '';
      try {
        for (;;) held += 'x'.repeat(writeSync(kept, 'x'.repeat(4_096)));
      } catch {
        return held;
      }
    },
    read() {
      const reader = new Socket({
        fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK),
        writable: false,
      });
      onTestFinished(() => {
        reader.destroy();
      });
      return reader;
    },
  };
}
