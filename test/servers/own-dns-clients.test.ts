import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startDaemon } from '../helpers/daemon.ts';
import { type Namespace, openStar } from '../helpers/namespaces.ts';
import { statusIn, temporaryDirectory } from '../helpers/program.ts';
import { run } from '../helpers/run.ts';

const PROGRAM = join(import.meta.dirname, '../../dist/sallyport.js');
const SOURCE = join(import.meta.dirname, '../helpers/programs/getaddrinfo.c');

const cAres = `
import pycares, select, sys
channel, found = pycares.Channel(), []
def done(result, error):
    found.append(error)
    for node in result.nodes if error is None else []:
        print(node.addr[0].decode())
channel.getaddrinfo(sys.argv[1], None, done)
while not found:
    readable, writable = channel.getsock()
    sockets = select.select(readable, writable, [], channel.timeout())
    if not sockets[0] and not sockets[1]:
        channel.process_fd(pycares.ARES_SOCKET_BAD, pycares.ARES_SOCKET_BAD)
    for socket in sockets[0]:
        channel.process_fd(socket, pycares.ARES_SOCKET_BAD)
    for socket in sockets[1]:
        channel.process_fd(pycares.ARES_SOCKET_BAD, socket)
if found[0] is not None:
    sys.stderr.write(pycares.errno.strerror(found[0]) + '\\n')
    sys.exit(2)
`;

let programs: string;

/** What each program is that finds a name's addresses with a resolver of its own; those of the C libraries ask for A and AAAA at once, on one socket. */
const CLIENTS: Readonly<Record<string, () => readonly [string, ...string[]]>> = {
  glibc: () => [join(programs, 'glibc')],
  musl: () => [join(programs, 'musl')],
  // Debian's own Python has Debian's module.
  'c-ares': () => ['/usr/bin/python3', '-c', cAres],
};

beforeAll(() => {
  programs = mkdtempSync(join(tmpdir(), 'sallyport-test-'));
  execFileSync('gcc', ['-o', join(programs, 'glibc'), SOURCE]);
  execFileSync('musl-gcc', ['-static', '-o', join(programs, 'musl'), SOURCE]);
});
afterAll(() => rmSync(programs, { recursive: true }));

/** A program in a network, with this resolv.conf; what it finds, sorted, and its exit code. */
async function resolve(
  { wrap }: Namespace,
  { client, resolvConf }: { readonly client: readonly string[]; readonly resolvConf: string },
  name: string,
) {
  const path = join(temporaryDirectory(), 'resolv.conf');
  writeFileSync(path, resolvConf);
  const shell = ['--mount', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', path];
  const { code, stdout, output } = await run(...wrap('unshare', [...shell, ...client, name]), {
    timeout: 25_000,
  });
  return { code, addresses: stdout.split('\n').filter(Boolean).toSorted(), output };
}

/** An app's network, and a door there that listens at these addresses. */
async function openDoor(bind: readonly string[]) {
  const { center, leaves } = await openStar(1);
  const env = {
    SALLYPORT_RUN_DIR: temporaryDirectory(),
    TARGET: 'api.test *.wild.test ns.svc.cluster.local',
    PORT: '4001',
    DNS: '1',
    BIND: bind.join(' '),
  };
  await startDaemon(...center.wrap(process.execPath, [PROGRAM]), { env, ready: '"listening"' });
  const questions = async () => (await statusIn(env.SALLYPORT_RUN_DIR)).dns?.questions;
  return { app: leaves[0] as Namespace, questions };
}

const V4 = '10.83.1.1';
const V6 = 'fd83:1::1';
/** As a kubelet writes it. */
const KUBERNETES = 'search ns.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n';

describe.each(Object.entries(CLIENTS))('%s', (_, client) => {
  test.each<[string, string[]]>([
    ['IPv4', [V4]],
    ['IPv6', [V6]],
    ['IPv4 and IPv6', [V4, V6]],
  ])('finds what the door allows by its DNS over %s, and nothing else', async (_family, addresses) => {
    const { app, questions } = await openDoor(addresses);
    const nameserver = addresses.map((address) => `nameserver ${address}\n`).join('');
    const ask = (name: string, rest = '') =>
      resolve(app, { client: client(), resolvConf: nameserver + rest }, name);
    const found = { code: 0, addresses, output: expect.any(String) as string };

    expect(await ask('api.test')).toEqual(found);
    expect(await questions()).toMatchObject({ above: 0, unknown: 0 });
    expect(await ask('API.Test.')).toEqual(found);
    expect(await ask('a.b.wild.test')).toEqual(found);
    for (const [name, why] of [
      ['other.test', /not known|not resolve|not found/i],
      ['wild.test', /no address|no data|not resolve|not return|not known/i],
    ] as const) {
      const refused = await ask(name);
      expect(refused).toMatchObject({ code: 2, addresses: [] });
      expect(refused.output).toMatch(why);
    }
  });

  test('finds names by a search list, and whole ones behind it', async () => {
    const { app, questions } = await openDoor([V4, V6]);
    const ask = (name: string, rest: string) =>
      resolve(app, { client: client(), resolvConf: `nameserver ${V4}\n${rest}` }, name);
    const found = { code: 0, addresses: [V4, V6], output: expect.any(String) as string };

    expect(await ask('api', 'search example.org test\n')).toEqual(found);
    expect(await ask('b.wild', 'search example.org test\noptions ndots:5\n')).toEqual(found);
    const { unknown: before = 0 } = (await questions()) ?? {};
    expect(await ask('api.test', KUBERNETES)).toEqual(found);
    // The three of the search list are asked for first, and each is said not to be there.
    const { unknown = 0 } = (await questions()) ?? {};
    expect(unknown - before).toBeGreaterThanOrEqual(6);
    expect(await ask('ns', 'search svc.cluster.local cluster.local\noptions ndots:5\n')).toEqual(found);
    expect(await ask('other.test', KUBERNETES)).toMatchObject({ code: 2, addresses: [] });
  });
});
