import { once } from 'node:events';

import { expect, test } from 'vitest';

import type { Asked, Status, StatusPage } from '../../src/control/protocol.ts';
import { say } from '../helpers/http-relay.ts';
import { ask } from '../helpers/metrics.ts';
import { openMixedDoor } from '../helpers/mixed-door.ts';
import { runProgram } from '../helpers/program.ts';
import { faultsOf } from '../helpers/schemas.ts';
import { closedPort, readAll, tcpClient, udpSocket } from '../helpers/sockets.ts';

test.each(['1', '2'])(
  'what a used door tells of itself is as the schemas say (WORKERS=%s)',
  async (WORKERS) => {
    const admin = await closedPort();
    const { relay, listen } = await openMixedDoor({ WORKERS, ADMIN_PORT: String(admin), VERBOSE: '1' });
    expect((await readAll(await tcpClient(listen.db))).toString()).toBe('database');
    const client = await udpSocket();
    client.send('line', listen.syslog, '127.0.0.1');
    await once(client, 'message');
    for (const name of ['a.wild.test', 'other.test'])
      await say(listen.web, `GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
    await relay.line('refused');

    const tell = async (command: string) => {
      const environment = { SALLYPORT_RUN_DIR: relay.runDir };
      const { stdout } = await runProgram('sallyport', [command, '--json'], environment);
      return JSON.parse(stdout) as unknown;
    };
    const status = (await tell('status')) as Status;
    expect(status.ports.map(({ opened }) => opened)).toEqual([1, 2, 1, 0]);
    expect(status.refusals).toMatchObject([{ name: 'other.test' }]);
    expect(faultsOf('status.json', status)).toEqual([]);

    const names = (await tell('names')) as Asked;
    expect(names.names.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['a.wild.test', 'other.test']),
    );
    expect(faultsOf('names.json', names)).toEqual([]);

    const page = JSON.parse((await ask(admin, '/status.json')).text) as StatusPage;
    expect(page.asked.names).not.toEqual([]);
    expect(faultsOf('status-page.json', page)).toEqual([]);
    expect(faultsOf('status.json', page)).not.toEqual([]);
  },
);
