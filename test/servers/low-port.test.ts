import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { openNamespace } from '../helpers/namespaces.ts';
import { temporaryDirectory } from '../helpers/program.ts';

const PROGRAM = join(import.meta.dirname, '../../dist/sallyport.js');
/** As a container's user where the engine does not lower ip_unprivileged_port_start: a network of its own begins with 1024. */
const WITHOUT_CAPABILITY = ['--bounding-set=-net_bind_service', '--inh-caps=-net_bind_service'];
const ADVICE =
  /443.*EACCES.*; this user may not listen on so low a port: take a higher one .*net\.ipv4\.ip_unprivileged_port_start=0/;

test.each(['tcp', 'udp'])(
  'a low port that may not be listened on is told with what to do (%s)',
  async (mode) => {
    const { wrap } = await openNamespace();
    const env = {
      PATH: process.env['PATH'] ?? '',
      SALLYPORT_RUN_DIR: temporaryDirectory(),
      TARGET: '192.0.2.1',
      MODE: mode,
      PORT: '443',
      BIND: '127.0.0.1',
      CONNECT_TIMEOUT_MS: '100',
    };
    const run = (...args: string[]) =>
      promisify(execFile)(...wrap('setpriv', [...WITHOUT_CAPABILITY, process.execPath, PROGRAM, ...args]), {
        env,
      });
    await expect(run()).rejects.toMatchObject({ code: 1, stdout: expect.stringMatching(ADVICE) });
    await expect(run('check')).rejects.toMatchObject({ stdout: expect.stringMatching(ADVICE) });
  },
);
