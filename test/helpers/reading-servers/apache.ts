import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startDaemon, unconfined } from '../daemon.ts';
import { temporaryDirectory } from '../program.ts';
import { closedPort } from '../sockets.ts';
import { type LoggedRequest, type ReadingServer, readLog } from './reading-server.ts';

const MODULES = '/usr/lib/apache2/modules';
const LINE = /^(\S+) (\d+) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)" "(.*)"$/;

/** Apache httpd as it is, and as it was before it became strict. Ended with the test. */
export async function startReadingApache(): Promise<readonly ReadingServer[]> {
  const directory = temporaryDirectory();
  const at = (file: string) => join(directory, file);
  const [strict, lax] = [await closedPort(), await closedPort()];
  // Started by root, it is another user that reads the script.
  chmodSync(directory, 0o755);
  copyFileSync(join(import.meta.dirname, 'apache.lua'), at('apache.lua'));
  const server = (port: number, options: string) => `
    Listen 127.0.0.1:${port}
    <VirtualHost 127.0.0.1:${port}>
      HttpProtocolOptions ${options}
      CustomLog ${at(`${port}.log`)} read
    </VirtualHost>`;
  const conf = `
    ServerRoot ${directory}
    ServerName localhost
    PidFile ${at('pid')}
    ErrorLog "||/bin/cat"
    LogLevel crit mpm_event:debug
    ${['mpm_event', 'authz_core', 'lua'].map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
    User www-data
    Group www-data
    ListenBacklog 4096
    ServerLimit 1
    ThreadsPerChild 64
    MaxRequestWorkers 64
    MaxKeepAliveRequests 0
    KeepAliveTimeout 1
    LimitRequestLine 131072
    LimitRequestFieldSize 131072
    LogFormat "%a %>s \\"%r\\" \\"%{Host}i\\" \\"%{content}n\\"" read
    LuaScope thread
    LuaMapHandler .* ${at('apache.lua')} answer
    LuaInputFilter keep ${at('apache.lua')} keep
    SetInputFilter keep
    ${server(strict, 'Strict')}
    ${server(lax, 'Unsafe LenientMethods Allow0.9')}`;
  writeFileSync(at('apache.conf'), conf);
  // One process, which listens before it says that.
  const args = ['-f', at('apache.conf'), '-X'];
  await startDaemon(unconfined('/usr/sbin/apache2'), args, { ready: 'start_threads' });
  return [
    {
      name: 'Apache httpd',
      port: strict,
      readsContent: true,
      read: () => readLog(at(`${strict}.log`), parse),
    },
    { name: 'lax Apache httpd', port: lax, readsContent: true, read: () => readLog(at(`${lax}.log`), parse) },
  ];
}

function parse(text: string): LoggedRequest {
  const [, from = '', status, line = '', host = '', content = ''] = LINE.exec(text) ?? [];
  return {
    from,
    status: Number(status),
    line: unescaped(line),
    host: host === '-' ? null : unescaped(host),
    content: content === '-' ? null : Buffer.from(content, 'hex').toString('latin1'),
  };
}

/** What a value was that Apache has escaped for its log. */
function unescaped(text: string): string {
  const letters: Readonly<Record<string, string>> = { b: '\b', n: '\n', r: '\r', t: '\t', v: '\v' };
  return text.replaceAll(/\\(?:x([0-9a-f]{2})|(.))/g, (_, code?: string, letter = '') =>
    code === undefined ? (letters[letter] ?? letter) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
