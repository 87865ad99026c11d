import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { OpeningReader } from '../../src/wire/opening.ts';
import { Refusal } from '../../src/wire/refusal.ts';
import { faultOf } from '../helpers/http-compare.ts';
import { byConnection, flights, passOnMost } from '../helpers/http-passed.ts';
import { startReadingApache } from '../helpers/reading-servers/apache.ts';
import { haveRead } from '../helpers/reading-servers/have-read.ts';
import { startReadingNginx } from '../helpers/reading-servers/nginx.ts';
import { startReadingPython } from '../helpers/reading-servers/python.ts';
import { closedPort } from '../helpers/sockets.ts';

const TEST = join(import.meta.dirname, '..');
const TLS = join(TEST, 'fixtures/tls');

/** What the fuzzer has found for a target: each input reaches something that no other does. */
function corpusOf(target: string): readonly Buffer[] {
  const folder = join(TEST, 'corpora', target);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  return files.filter((file) => statSync(file).isFile()).map((file) => readFileSync(file));
}

/** The name that our reader takes a client for; null where it takes it for none. */
function nameIn(bytes: Buffer): string | null {
  const reader = new OpeningReader();
  try {
    const opening = reader.push(bytes);
    return opening?.protocol === 'tls' ? opening.hello.name : null;
  } catch (cause) {
    if (cause instanceof Refusal) return null;
    throw cause;
  } finally {
    reader.free();
  }
}

/** The name that `openssl s_server` reads in each ClientHello, on a connection of its own; null where it reads none. */
async function readByOpenssl(hellos: readonly Buffer[]): Promise<readonly (string | null)[]> {
  const port = await closedPort();
  const [key, cert] = [join(TLS, 'api.key'), join(TLS, 'api.pem')];
  const listening = [
    '-accept',
    `127.0.0.1:${port}`,
    '-naccept',
    `${hellos.length}`,
    '-cert',
    cert,
    '-key',
    key,
  ];
  // It tells names where it has a second certificate.
  const naming = ['-servername', 'other.test', '-cert2', cert, '-key2', key];
  const server = spawn('openssl', ['s_server', ...listening, ...naming]);
  onTestFinished(() => void server.kill());
  const closed = once(server, 'close');
  server.stderr.resume();
  let output = '';
  const accepts = Promise.withResolvers<void>();
  server.stdout.setEncoding('latin1').on('data', (text: string) => {
    output += text;
    if (output.includes('ACCEPT\n')) accepts.resolve();
  });
  await accepts.promise;
  for (const hello of hellos) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    socket.resume().end(hello);
    await once(socket, 'close');
  }
  // Most of it is written at the end.
  await closed;
  const parts = output.split('CONNECTION CLOSED\n');
  return hellos.map((_, i) => /^Hostname in TLS extension: "(.*)"$/m.exec(parts[i] ?? '')?.[1] ?? null);
}

test('of the fuzzer’s ClientHellos that we take, openssl reads the same name', async () => {
  const taken = corpusOf('client-hello').filter((bytes) => nameIn(bytes) !== null);
  const names = await readByOpenssl(taken);
  const both = taken.map(nameIn).filter((_, i) => names[i] !== null);
  expect(names.filter((name) => name !== null)).toEqual(both);
  expect(both.length).toBeGreaterThan(2);
});

test('of the fuzzer’s HTTP that we pass on, nginx, Apache httpd and http.server read the same', async () => {
  const servers = [startReadingNginx(), startReadingApache(), startReadingPython()];
  const connections = corpusOf('http-request').flatMap((bytes) =>
    [false, true].flatMap((asProxy) =>
      byConnection(
        passOnMost(bytes, { asProxy }).requests,
        ({ hasContent, method }) => hasContent || method === 'CONNECT',
      ),
    ),
  );
  const texts = connections.map((connection) => flights(connection, 'sent').join(''));
  expect(texts.length).toBeGreaterThan(5);
  const faults: string[] = [];
  for (const server of (await Promise.all(servers)).flat()) {
    const readings = await haveRead(server, texts);
    expect(readings.some(({ requests }) => requests.length > 0)).toBe(true);
    for (const [i, reading] of readings.entries()) {
      const fault = faultOf(connections[i] ?? [], reading, 'sent');
      if (fault !== null) faults.push(`${server.name}, of ${JSON.stringify(texts[i])}: ${fault}`);
    }
  }
  expect(faults).toEqual([]);
});
