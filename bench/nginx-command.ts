import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where Debian's libnginx-mod-stream puts it. */
export const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so';

interface Options {
  /** How many it may have open, those to servers included. */
  readonly connections: number;
  readonly use: 'http' | 'stream';
  /** What stands in the block of that name. */
  readonly block: string;
}

/** The command that runs nginx with one worker. Its files are in the directory, and it logs nothing but errors. */
export function nginxCommand(
  directory: string,
  { connections, use, block }: Options,
): readonly [string, ...string[]] {
  const file = join(directory, 'nginx.conf');
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (each) => `${each}_temp_path ${directory}/${each};`,
  );
  const configuration = `
    ${use === 'stream' ? `load_module ${STREAM_MODULE};` : ''}
    daemon off;
    user root;
    worker_processes 1;
    pid ${directory}/nginx.pid;
    error_log stderr error;
    events { worker_connections ${connections}; }
    ${use} {
      ${use === 'http' ? ['access_log off;', ...paths].join('\n') : ''}
      ${block}
    }
  `;
  writeFileSync(file, configuration);
  return ['nginx', '-p', directory, '-e', 'stderr', '-c', file];
}
