import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startDaemon, unconfined } from './daemon.ts';

/** What nginx may have to keep in a file. */
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** Starts nginx with what it may write in a directory; `http` is its configuration's block of that name. Ended with the test. */
export async function startNginx(directory: string, http: string): Promise<void> {
  const at = (file: string) => join(directory, file);
  const conf = `
    pid ${at('pid')};
    daemon off;
    master_process off;
    error_log stderr notice;
    events {}
    http {
      ${TEMPORARY.map((name) => `${name}_temp_path ${at(name)};`).join('\n')}
      ${http}
    }`;
  writeFileSync(at('nginx.conf'), conf);
  // It listens before it says that.
  const ready = 'event method';
  await startDaemon(unconfined('/usr/sbin/nginx'), ['-e', 'stderr', '-c', at('nginx.conf')], { ready });
}
