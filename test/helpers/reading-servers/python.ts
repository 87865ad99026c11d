import { join } from 'node:path';

import { startDaemon } from '../daemon.ts';
import { temporaryDirectory } from '../program.ts';
import { closedPort } from '../sockets.ts';
import { type LoggedRequest, type ReadingServer, readLog } from './reading-server.ts';

/** Python's http.server, which leaves content unread. Ended with the test. */
export async function startReadingPython(): Promise<readonly ReadingServer[]> {
  const log = join(temporaryDirectory(), 'log');
  const port = await closedPort();
  const script = join(import.meta.dirname, 'python.py');
  await startDaemon('/usr/bin/python3', [script, `${port}`, log], { ready: 'ready' });
  return [{ name: 'http.server', port, readsContent: false, read: () => readLog(log, parse) }];
}

function parse(line: string): LoggedRequest {
  const { hosts, ...request } = JSON.parse(line) as LoggedRequest & { readonly hosts: readonly string[] };
  return { ...request, host: hosts.length === 0 ? null : hosts.join(), content: null };
}
