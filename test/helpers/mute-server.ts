import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

import { onTestFinished } from 'vitest';

const LISTEN = `
  const server = require('node:net').createServer().listen({ host: process.argv[1], port: +process.argv[2], backlog: 1 });
  server.once('listening', () => console.log('listening'));
`;
/** One more than a backlog of 1 holds (listen(2)), and a few to spare. */
const FILLERS = 4;

/** Makes an address that does not answer connection attempts at all: a listener that is frozen, its queue full, so that the kernel drops SYNs. */
export async function muteServer(host: string, port: number): Promise<void> {
  const child = spawn(process.execPath, ['-e', LISTEN, host, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(createInterface({ input: child.stdout }), 'line');
  child.kill('SIGSTOP');
  const fillers: Socket[] = Array.from({ length: FILLERS }, () => connect(port, host).on('error', () => {}));
  onTestFinished(() => {
    child.kill('SIGKILL');
    for (const filler of fillers) filler.destroy();
  });
  await Promise.all(fillers.slice(0, 2).map((filler) => once(filler, 'connect')));
}
