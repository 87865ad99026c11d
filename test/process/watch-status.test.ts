import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { expect, test } from 'vitest';

import { clientHello } from '../helpers/client-hello.ts';
import { startDaemon } from '../helpers/daemon.ts';
import { say } from '../helpers/http-relay.ts';
import { runSallyport, startRelayTo, temporaryDirectory } from '../helpers/program.ts';
import { closedPort, readAll, tcpClient, tcpServer } from '../helpers/sockets.ts';

const PROGRAM = join(import.meta.dirname, '../../dist/sallyport.js');
const WATCH = [PROGRAM, 'status', '--watch'];
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const BOLD = '\x1b[1m';
const EVIL = 'x\x1b[2J\x1b]0;owned\x07';
const EVIL_SHOWN = 'x\\u001b[2J\\u001b]0;owned\\u0007';

type Environment = Readonly<Record<string, string>>;

/** Watches on a terminal of 40 rows (script(1)), as a user would. */
function onTerminal(environment: Environment) {
  const command = `stty rows 40 cols 200; exec ${[process.execPath, ...WATCH].map((word) => `'${word}'`).join(' ')}`;
  return startDaemon('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm-256color', ...environment },
    ready: 'PORT',
    takesInput: true,
  });
}

/** A relay that checks names, and has refused a name that would steer a terminal. */
async function startRefusing() {
  const target = await tcpServer((socket) => socket.on('error', () => {}).end('served'));
  const started = await startRelayTo(target.port, {
    TARGET: 'localhost',
    TARGET_SCOPE: 'any',
    NAME_CHECK: 'enforce',
  });
  const client = await tcpClient(started.port);
  client.write(clientHello({ names: [EVIL] }));
  await readAll(client);
  await started.relay.line('refused');
  return { ...started, where: { SALLYPORT_RUN_DIR: started.relay.runDir } };
}

test('on a terminal status --watch redraws in place, in colour, and q gives the terminal back', async () => {
  const { port, where } = await startRefusing();
  const watch = await onTerminal(where);
  await watch.said(EVIL_SHOWN);
  expect(watch.output().startsWith(ENTER)).toBe(true);
  expect(watch.output()).toContain(`${BOLD}PORT `);
  expect(watch.output()).not.toContain(EVIL);

  const client = await tcpClient(port);
  client.write(clientHello({ names: ['localhost'] }));
  await readAll(client);
  await watch.said('█');
  expect(stripVTControlCharacters(watch.output())).toMatch(new RegExp(`^${port}/tcp +\\d+ B +▁+█`, 'm'));
  watch.write('q');
  expect(await watch.ended).toBe(0);
  expect(watch.output().trimEnd().endsWith(LEAVE)).toBe(true);
});

test('NO_COLOR is heard', async () => {
  const { where } = await startRefusing();
  const watch = await onTerminal({ ...where, NO_COLOR: '1' });
  watch.write('\x03');
  expect(await watch.ended).toBe(0);
  expect(watch.output()).toContain('\nPORT ');
  expect(watch.output()).not.toContain(BOLD);
});

test('where standard output is no terminal, it prints block after block and no escape, until it is told to stop', async () => {
  const { where } = await startRefusing();
  const watch = await startDaemon(process.execPath, WATCH, { env: where, ready: 'PORT' });
  await expect.poll(() => watch.output().match(/^sallyport /gm)?.length).toBeGreaterThan(1);
  expect(watch.output()).toContain(EVIL_SHOWN);
  expect(watch.output()).not.toContain('\x1b');
  process.kill(watch.pid, 'SIGTERM');
  expect(await watch.ended).toBe(0);
});

test('what TARGET lacks is shown, and what it cannot have, with the reason', async () => {
  const proxy = await closedPort();
  const { relay } = await startRelayTo(1, { TARGET: 'a.test', MODE: 'tcp http-proxy', LISTEN: `${proxy}` });
  for (const asked of [`b.test:${proxy}`, 'c.test:443'])
    await say(proxy, `CONNECT ${asked} HTTP/1.1\r\nHost: ${asked}\r\n\r\n`);
  const watch = await startDaemon(process.execPath, WATCH, {
    env: { SALLYPORT_RUN_DIR: relay.runDir },
    ready: 'PORT',
  });
  await watch.said('cannot be added');
  expect(watch.output()).toContain('to let these through, add to TARGET: c.test:443');
  expect(watch.output()).toContain(`b.test:${proxy} cannot be added to TARGET: LISTEN=${proxy}: `);
});

test('a relay that ends while it is watched is told, and so is the next one', async () => {
  const { relay, environment, where } = await startRefusing();
  const watch = await startDaemon(process.execPath, WATCH, { env: where, ready: 'PORT' });
  relay.process.kill('SIGTERM');
  await watch.said('no relay answers here');
  const before = watch.output().length;
  await startRelayTo(1, { ...environment, ...where });
  await expect.poll(() => watch.output().slice(before)).toContain('up ');
});

test('where no relay answers from the start, it ends with 1', async () => {
  const { code, output } = await runSallyport(['status', '--watch'], {
    SALLYPORT_RUN_DIR: temporaryDirectory(),
  });
  expect(code).toBe(1);
  expect(output).toContain('no relay answers here');
});
