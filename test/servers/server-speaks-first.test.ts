import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { startDaemon } from '../helpers/daemon.ts';
import { openNamespace } from '../helpers/namespaces.ts';
import { temporaryDirectory } from '../helpers/program.ts';

const PROGRAM = join(import.meta.dirname, '../../dist/sallyport.js');
const [LISTEN, MYSQL, OTHER] = [4_001, 3_306, 4_002];

/** Two servers that greet whoever comes; then a client of the proxy, in a tunnel to each, says what it hears. */
const script = `
  const serve = (port) => net.createServer((socket) => {
    socket.on('error', () => {});
    socket.resume().write('welcome');
  }).listen(port, '127.0.0.1');
  const ask = (port) => new Promise((done) => {
    let heard = '';
    const client = net.connect(${LISTEN}, '127.0.0.1')
      .on('data', (bytes) => {
        // The greeting may come with the proxy's answer.
        const isTunnel = heard.includes('\\r\\n\\r\\n');
        heard += bytes;
        if (!isTunnel && heard.includes('\\r\\n\\r\\n')) client.write('\\0\\0\\0\\0');
        if (heard.endsWith('welcome')) client.end();
      })
      .on('error', ({ code }) => (heard = code))
      .on('close', () => done(heard.split('\\r\\n\\r\\n').at(-1)));
    client.write('CONNECT localhost:' + port + ' HTTP/1.1\\r\\nHost: localhost:' + port + '\\r\\n\\r\\n');
  });
  const servers = [serve(${MYSQL}), serve(${OTHER})];
  Promise.all(servers.map((server) => new Promise((done) => server.on('listening', done)))).then(async () => {
    console.log(JSON.stringify([await ask(${MYSQL}), await ask(${OTHER})]));
    process.exit();
  });
`;

test.each(['', 'report'])(
  'NAME_CHECK="%s" leaves a tunnel unread to a port where the server speaks first, and to no other',
  async (check) => {
    const { wrap } = await openNamespace();
    const env = {
      SALLYPORT_RUN_DIR: temporaryDirectory(),
      MODE: 'http-proxy',
      LISTEN: String(LISTEN),
      TARGET: 'localhost',
      TARGET_SCOPE: 'any',
      PORT: `${MYSQL} ${OTHER}`,
      NAME_CHECK: check,
      LOG_LEVEL: 'info',
    };
    const relay = await startDaemon(...wrap(process.execPath, [PROGRAM]), { env, ready: '"listening"' });
    const { stdout } = await promisify(execFile)(...wrap(process.execPath, ['-e', script]));
    const isHeld = check === '';
    expect(JSON.parse(stdout)).toEqual(['welcome', isHeld ? 'ECONNRESET' : 'welcome']);
    await relay.said('"rule":');
    expect(relay.output().match(/"rule":"[^"]*"/g)).toEqual(['"rule":"neither TLS nor HTTP"']);
  },
);
