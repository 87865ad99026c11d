import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import type { Status } from '../../src/control/protocol.ts';
import { partOfMark } from '../../src/lane/ruleset.ts';
import type { Answers } from '../faults/protocol.ts';
import { startActor } from '../faults/world.ts';
import { builtPrograms } from '../helpers/built-programs.ts';
import { type Daemon, startDaemon } from '../helpers/daemon.ts';
import { type Namespace, openStar } from '../helpers/namespaces.ts';
import { temporaryDirectory } from '../helpers/program.ts';
import { pathWith } from '../helpers/stand-ins.ts';

const PORT = 5_432;
const PATH = process.env['PATH'] ?? '';
/** The door, by the app's network; and its targets. */
const DOOR = { 4: '10.83.1.1', 6: 'fd83:1::1' } as const;
const ONE = { 4: '10.83.3.2', 6: 'fd83:3::2' } as const;
const TWO = { 4: '10.83.4.2', 6: 'fd83:4::2' } as const;
const FAMILIES = [4, 6] as const;
/** Of a name with both families, at a port of TCP and of UDP. */
const ALL_LANES = 4;

type Settings = Readonly<Record<string, string>>;

/** Says its name, then whatever it hears, and 'wait' only when it is told to; and answers datagrams with both. */
const server = (name: string) => `
  const waiting = [];
  const serve = (socket) => {
    socket.on('error', () => {}).write('${name}: ');
    socket.on('data', (bytes) => (String(bytes) === 'wait' ? waiting.push(socket) : socket.write(bytes)));
    socket.on('end', () => socket.end());
  };
  process.stdin.on('data', () => waiting.forEach((socket) => socket.write('answer')));
  net.createServer({ allowHalfOpen: true }, serve).listen(${PORT}, '::', () => {
    const socket = dgram.createSocket('udp6');
    socket.on('message', (datagram, from) => socket.send('${name}: ' + datagram, from.port, from.address));
    socket.bind(${PORT}, () => console.log('serves'));
  });
`;
/** A connection that says what it is told to, and tells what it hears and how it ends. */
const connection = (host: string) => `
  const socket = net.connect(${PORT}, '${host}')
    .on('connect', () => console.log('connected'))
    .on('data', (bytes) => console.log('heard ' + bytes))
    .on('error', ({ code }) => console.log('error ' + code))
    .on('close', () => console.log('closed'));
  process.stdin.on('data', (text) => (String(text) === 'end' ? socket.end() : socket.write(text)));
`;
/** The same of datagrams. */
const session = (host: string) => `
  const socket = dgram.createSocket('${host.includes(':') ? 'udp6' : 'udp4'}');
  socket.on('message', (datagram) => console.log('heard ' + datagram)).on('error', ({ code }) => console.log('error ' + code));
  socket.connect(${PORT}, '${host}', () => console.log('connected'));
  process.stdin.on('data', (text) => socket.send(text));
`;

const script = ({ wrap }: Namespace, text: string) => wrap(process.execPath, ['-e', text]);

/** An app and a stranger, and two targets, with the door between. */
async function openWorld(settings: Settings = {}) {
  const { center, leaves } = await openStar(5);
  const [app, stranger, one, two, dns] = leaves as [Namespace, Namespace, Namespace, Namespace, Namespace];
  const target = await startDaemon(...script(one, server('one')), { ready: 'serves', takesInput: true });
  await startDaemon(...script(two, server('two')), { ready: 'serves', takesInput: true });
  const run = async (where: Namespace, command: string, ...args: readonly string[]) =>
    (await promisify(execFile)(...where.wrap(command, args))).stdout;
  for (const file of ['ipv4/ip_forward', 'ipv6/conf/all/forwarding'])
    await run(center, 'sh', '-c', `echo 1 >/proc/sys/net/${file}`);
  const hosts = join(temporaryDirectory(), 'hosts');
  writeFileSync(
    hosts,
    `${ONE[4]} db.test both.test\n${ONE[6]} db.test\n${TWO[4]} both.test two.test\n${TWO[6]} two.test\n`,
  );
  await run(center, 'mount', '--bind', hosts, '/etc/hosts');
  const env = {
    PATH,
    SALLYPORT_RUN_DIR: temporaryDirectory(),
    FAST_LANE: '1',
    TARGET: `db.test:${PORT} db.test:${PORT}/udp`,
    PRE_RESOLVE: '1',
    NAMESERVERS: 'system',
    ...settings,
  };
  const { start, run: askBoth } = builtPrograms(center, env);
  const ask = async (...what: Parameters<typeof askBoth>) => (await askBoth(...what)).stdout;
  const status = async () => JSON.parse(await ask('sallyport', 'status', '--json')) as Status;
  const portOf = async (protocol: 'tcp' | 'udp') =>
    (await status()).ports.find((port) => port.protocol === protocol);
  /** Resolves when the kernel takes clients by so many lanes at least: ports are opened one behind the other. */
  const isTold = async (lanes = 'TARGET' in settings ? 1 : ALL_LANES) => {
    const told = async () => {
      const chain = await run(center, 'nft', 'list', 'chain', 'inet', 'sallyport_lanes', 'new');
      return chain.match(/goto lane/g)?.length ?? 0;
    };
    await expect.poll(told).toBeGreaterThanOrEqual(lanes);
  };
  /** What the kernel knows of flows that it takes. */
  const flows = async () => {
    const listed = await run(center, 'conntrack', '-L', '--mark', '0x73000000/0xff000000');
    return listed.split('\n').filter(Boolean);
  };
  return {
    center,
    app,
    stranger,
    target,
    two,
    dns,
    run,
    start,
    isTold,
    ask,
    askBoth,
    status,
    portOf,
    flows,
  };
}

/** That, with the door open and the kernel told. */
async function world(settings: Settings = {}) {
  const opened = await openWorld(settings);
  const door = await opened.start();
  await opened.isTold();
  return { ...opened, door };
}

const client = (from: Namespace, text: string) =>
  startDaemon(...script(from, text), { ready: '', takesInput: true });

async function connect(from: Namespace, host: string): Promise<Daemon> {
  const connected = await client(from, connection(host));
  await connected.said('heard ');
  return connected;
}

test.each(['1', '2'])(
  'the kernel takes connections and sessions, of both families, and all is counted: WORKERS=%s',
  async (WORKERS) => {
    const { app, portOf, flows } = await world({ WORKERS });
    for (const family of FAMILIES) {
      const tcp = await connect(app, DOOR[family]);
      tcp.write('hello');
      await tcp.said('heard hello');
      const udp = await client(app, session(DOOR[family]));
      await udp.said('connected');
      udp.write('hello');
      await udp.said('heard one: hello');
    }
    expect(await flows()).toHaveLength(4);
    for (const protocol of ['tcp', 'udp'] as const) {
      const port = await portOf(protocol);
      expect(port).toMatchObject({ opened: 2, live: 2, refused: 0 });
      expect(port?.sent).toBeGreaterThan(2 * 'hello'.length);
      expect(port?.received).toBeGreaterThan(2 * 'one: hello'.length);
    }
  },
);

test('new flows follow the name; connections stay where they are, and sessions do not', async () => {
  const opened = await openWorld({ NAMESERVERS: '10.83.5.2' });
  const { app } = opened;
  const nameserver = await startActor<Answers>(opened.dns, 'nameserver');
  const nameTo = (...addresses: readonly string[]) =>
    nameserver.tell({ by: 'truth', names: { 'db.test': addresses } });
  nameTo(ONE[4]);
  const door = await opened.start();
  await opened.isTold(2);
  const tcp = await connect(app, DOOR[4]);
  const udp = await client(app, session(DOOR[4]));
  await udp.said('connected');
  udp.write('a');
  await udp.said('heard one: a');

  nameTo(TWO[4]);
  await door.said(`"addresses":["${TWO[4]}"]`);
  await expect.poll(async () => (await connect(app, DOOR[4])).output()).toContain('two: ');
  tcp.write('still there');
  await tcp.said('heard still there');
  await expect
    .poll(() => {
      udp.write('b');
      return udp.output();
    })
    .toContain('heard two: b');
});

test.each(FAMILIES)(
  'a blackout ends what the kernel has taken over IPv%i, and lets nobody in',
  async (family) => {
    const { app, target, ask, flows, portOf } = await world();
    const [talks, waits, idle] = [
      await connect(app, DOOR[family]),
      await connect(app, DOOR[family]),
      await connect(app, DOOR[family]),
    ];
    waits.write('wait');
    await ask('sallyport', 'blackout', 'on');
    expect(await portOf('tcp')).toMatchObject({ live: 0 });
    talks.write('hello');
    await talks.said('error ECONNRESET');
    target.write('go');
    await waits.said('error ECONNRESET');
    const refused = await client(app, connection(DOOR[family]));
    await refused.said('error ECONNRESET');
    // Who says nothing is forgotten, and reset with the next packet.
    await expect.poll(async () => (await flows()).join('\n')).not.toContain('ESTABLISHED');
    idle.write('hello');
    await idle.said('error ECONNRESET');
    expect(talks.output() + idle.output()).not.toContain('heard hello');
  },
);

test('behind a short blackout the door relays until the kernel has ended what lived', async () => {
  const { app, ask, flows, isTold } = await world({ TARGET: `db.test:${PORT}` });
  const before = await connect(app, DOOR[4]);
  await ask('sallyport', 'blackout', 'on');
  await ask('sallyport', 'blackout', 'off');
  const meanwhile = await connect(app, DOOR[4]);
  before.write('hello');
  await before.said('error ECONNRESET');
  await isTold();
  const after = await connect(app, DOOR[4]);
  expect((await flows()).filter((flow) => flow.includes('ESTABLISHED'))).toHaveLength(1);
  for (const each of [meanwhile, after]) {
    each.write('hello');
    await each.said('heard hello');
  }
});

test.each(['1', '2'])(
  'the kernel and the relay share MAX_CONNECTIONS, and the end of a flow is the turn of who waits: WORKERS=%s',
  async (WORKERS) => {
    const { app, portOf, flows, isTold } = await world({ MAX_CONNECTIONS: '10', WORKERS });
    const first: Daemon[] = [];
    for (let i = 0; i < 10; i++) first.push(await connect(app, DOOR[4]));
    expect(await flows()).toHaveLength(9);
    expect(await portOf('tcp')).toMatchObject({ live: 10, waiting: 0, limit: 10 });

    const waits = await client(app, connection(DOOR[4]));
    await waits.said('connected');
    await expect.poll(() => portOf('tcp')).toMatchObject({ live: 10, waiting: 1 });
    first[0]?.write('end');
    await waits.said('heard one: ');
    expect(await portOf('tcp')).toMatchObject({ live: 10, waiting: 0 });

    // Once there is room again, the kernel takes new ones.
    for (const each of [...first, waits]) each.write('end');
    for (const each of [...first, waits]) await each.said('closed');
    await isTold();
    await connect(app, DOOR[4]);
    expect((await flows()).filter((flow) => flow.includes('ESTABLISHED'))).toHaveLength(1);
  },
);

test('beside connections that the relay has for long, the kernel takes what there is room for', async () => {
  const { center, app, run, ask, flows, isTold, portOf } = await world({
    TARGET: `db.test:${PORT}`,
    MAX_CONNECTIONS: '10',
  });
  await ask('sallyport', 'blackout', 'on');
  await ask('sallyport', 'blackout', 'off');
  // The kernel is to end what it had before, and the relay takes whoever is new.
  const relayed = [await connect(app, DOOR[4]), await connect(app, DOOR[4]), await connect(app, DOOR[4])];
  await isTold();
  for (let i = 0; i < 6; i++) await connect(app, DOOR[4]);
  expect(await flows()).toHaveLength(5);
  expect(await portOf('tcp')).toMatchObject({ live: 9, waiting: 0, limit: 10 });

  for (const each of relayed) each.write('end');
  const limit = () => run(center, 'nft', 'list', 'chain', 'inet', 'sallyport_lanes', 'lane0');
  await expect.poll(limit).toContain('ct count over 9 } goto turn_away');
  for (let i = 0; i < 4; i++) await connect(app, DOOR[4]);
  const waits = await client(app, connection(DOOR[4]));
  await waits.said('connected');
  await expect.poll(() => portOf('tcp')).toMatchObject({ live: 10, waiting: 1 });
  expect(await flows()).toHaveLength(9);
});

test('of many slots the kernel fills its share to the last, and the relay takes the others', async () => {
  const { app, flows, portOf } = await world({ TARGET: `db.test:${PORT}`, MAX_CONNECTIONS: '330' });
  const crowd = await client(
    app,
    `(async () => {
      for (let i = 0; i < 330; i++)
        await new Promise((resolve) => net.connect(${PORT}, '${DOOR[4]}').once('data', resolve));
      console.log('all are served');
    })();`,
  );
  await crowd.said('all are served');
  expect(await flows()).toHaveLength(296);
  expect(await portOf('tcp')).toMatchObject({ live: 330, waiting: 0, limit: 330 });
  const waits = await client(app, connection(DOOR[4]));
  await waits.said('connected');
  await expect.poll(() => portOf('tcp')).toMatchObject({ live: 330, waiting: 1 });
});

test('a lower limit than before lets no more live than there are slots, whoever has ended', async () => {
  const { center, app, run, flows, portOf } = await world({
    TARGET: `db.test:${PORT}`,
    MAX_CONNECTIONS: '200',
  });
  const crowd = await client(
    app,
    `
    let served = 0;
    const sockets = new Map();
    const open = () => {
      const socket = net.connect(${PORT}, '${DOOR[4]}')
        .on('connect', () => sockets.set(socket.localPort, socket))
        .once('data', () => console.log('served ' + ++served));
    };
    process.stdin.setEncoding('utf8').on('data', (text) => {
      const [what, ...numbers] = text.split(' ');
      if (what === 'open') for (let i = 0; i < Number(numbers[0]); i++) open();
      else for (const port of numbers) sockets.get(Number(port)).end();
    });`,
  );
  crowd.write('open 200');
  await crowd.said('served 200');
  const taken = (await flows()).map((flow) => {
    const [, port = '', mark] = /sport=(\d+) .*mark=(\d+)/.exec(flow) ?? [];
    return { port, part: partOfMark(Number(mark)) };
  });
  const ofPart = (wanted: number) => taken.filter(({ part }) => part === wanted).map(({ port }) => port);
  expect([ofPart(0).length, ofPart(1).length]).toEqual([90, 90]);
  crowd.write('open 20');
  await expect.poll(() => portOf('tcp')).toMatchObject({ live: 200, waiting: 20 });

  // Of 130 that are left the relay has 40, and the kernel's are all of one part.
  crowd.write(`end ${ofPart(1).join(' ')}`);
  await crowd.said('served 220');
  const rules = () => run(center, 'nft', 'list', 'chain', 'inet', 'sallyport_lanes', 'lane0');
  await expect.poll(rules).toContain('@live100 { meta l4proto . th dport . ct mark ct count over 50 } goto');
  crowd.write('open 100');
  await crowd.said('served 290');
  await expect.poll(() => portOf('tcp')).toMatchObject({ live: 200, waiting: 30 });
  expect((await flows()).filter((flow) => flow.includes('ESTABLISHED')).length).toBeGreaterThan(90);
});

test('whom the kernel turns away takes little room of its own, however many they are', async () => {
  const { center, app, run, flows } = await world({ TARGET: `db.test:${PORT}/udp`, MAX_CONNECTIONS: '20' });
  /** New sessions, one behind the other, which are answered. */
  const crowd = async (sessions: number) => {
    const all = await client(
      app,
      `(async () => {
        for (let i = 0; i < ${sessions}; i++) {
          const socket = dgram.createSocket('udp4');
          socket.send('hello', ${PORT}, '${DOOR[4]}');
          await new Promise((resolve) => socket.once('message', resolve));
        }
        console.log('all are answered');
      })();`,
    );
    await all.said('all are answered');
  };
  await crowd(60);
  expect(await flows()).toHaveLength(18);
  await run(center, 'conntrack', '-D', '--mark', '0x73000000/0xff000000');
  // Of 42 whom it has turned away, or more by now, a few count: five, and one a second.
  await expect
    .poll(async () => {
      await crowd(1);
      return (await flows()).length;
    })
    .toBeGreaterThanOrEqual(4);
});

test('whom ALLOW_FROM does not list the relay refuses, and says so', async () => {
  const { app, stranger, door, flows } = await world({ ALLOW_FROM: '10.83.1.0/24' });
  await connect(app, DOOR[4]);
  for (const host of ['10.83.2.1', 'fd83:2::1']) {
    const refused = await client(stranger, connection(host));
    await refused.said('error ECONNRESET');
  }
  await door.said('10.83.2.2 is not in ALLOW_FROM');
  expect(await flows()).toHaveLength(1);
});

test('the kernel forgets what says nothing any more when the relay would', async () => {
  const { app, flows } = await world({ IDLE_TIMEOUT_MS: '9000000', UDP_TIMEOUT_MS: '8000000' });
  for (const family of FAMILIES) {
    await connect(app, DOOR[family]);
    const udp = await client(app, session(DOOR[family]));
    await udp.said('connected');
    udp.write('hello');
    await udp.said('heard one: hello');
  }
  const left = (await flows()).map((flow) => flow.split(/ +/, 3) as [string, string, string]);
  expect(left.map(([protocol]) => protocol).toSorted()).toEqual(['tcp', 'tcp', 'udp', 'udp']);
  for (const [protocol, , seconds] of left)
    expect(Math.round(Number(seconds) / 1_000)).toBe(protocol === 'tcp' ? 9 : 8);
});

test('a connection that the kernel has forgotten ends, and is taken by nobody', async () => {
  const { center, app, run, flows } = await world();
  const tcp = await connect(app, DOOR[4]);
  await run(center, 'conntrack', '-D', '-p', 'tcp', '--orig-port-dst', `${PORT}`);
  tcp.write('hello');
  await tcp.said('error ECONNRESET');
  expect(await flows()).toEqual([]);
});

test('SIGTERM lets what the kernel has taken finish, and takes nothing new', async () => {
  const { app, door, flows } = await world();
  const tcp = await connect(app, DOOR[4]);
  process.kill(door.pid, 'SIGTERM');
  await door.said('"stopping"');
  const refused = await client(app, connection(DOOR[4]));
  await refused.said('error ECONNREFUSED');
  tcp.write('hello');
  await tcp.said('heard hello');
  tcp.write('end');
  expect(await door.ended).toBe(0);
  expect(await flows()).toEqual([expect.stringContaining('TIME_WAIT')]);
});

test('rules that somebody has taken away come back', async () => {
  const { center, app, run, status, flows } = await world();
  await run(center, 'nft', 'flush', 'ruleset');
  expect((await status()).fastLane).toEqual({ lanes: 4, trouble: null });
  await connect(app, DOOR[4]);
  expect(await flows()).toHaveLength(1);
  expect(await run(center, 'nft', 'list', 'table', 'inet', 'sallyport_guard')).toContain('policy drop');
});

/** A datagram in an Ethernet frame for the door's MAC address, and the IP address of a target: as whoever has CAP_NET_RAW can make it. */
const sendFrame = `
import socket, struct, sys
door, target = sys.argv[1:]
text = b'past the door'
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(('cable', 0))
own = link.getsockname()[4]
udp = struct.pack('!HHHH', 4002, ${PORT}, 8 + len(text), 0) + text
if ':' in target:
    kind, source = b'\\x86\\xdd', socket.inet_pton(socket.AF_INET6, 'fd83:1::2')
    to = socket.inet_pton(socket.AF_INET6, target)
    pseudo = source + to + struct.pack('!II', len(udp), 17) + udp
    pseudo += b'\\0' * (len(pseudo) % 2)
    total = sum(struct.unpack('!%dH' % (len(pseudo) // 2), pseudo))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    udp = udp[:6] + struct.pack('!H', ~total & 0xffff) + udp[8:]
    packet = struct.pack('!IHBB', 6 << 28, len(udp), 17, 64) + source + to + udp
else:
    kind, source, to = b'\\x08\\x00', socket.inet_aton('10.83.1.2'), socket.inet_aton(target)
    def header(checksum): return struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(udp), 1, 0, 64, 17, checksum, source, to)
    total = sum(struct.unpack('!10H', header(0)))
    total = (total & 0xffff) + (total >> 16)
    packet = header(~total & 0xffff) + udp
link.send(bytes.fromhex(door.replace(':', '')) + own + kind + packet)
`;
const listen = `
  const socket = dgram.createSocket('udp6').on('message', (datagram) => console.log('heard ' + datagram));
  socket.bind(${PORT}, () => console.log('listens'));
`;

test.each([
  'with the door',
  'without it, as it was killed',
  'without lanes, as it was killed and somebody took them away',
])('the kernel is no router: what is sent past the door is dropped, %s', async (how) => {
  const { center, app, stranger, door, run } = await world();
  const [{ address: mac }] = JSON.parse(await run(center, 'ip', '-json', 'link', 'show', 'cable1')) as [
    { address: string },
  ];
  const listener = await startDaemon(...script(stranger, listen), { ready: 'listens' });
  if (how !== 'with the door') {
    process.kill(door.pid, 'SIGKILL');
    await door.ended;
  }
  if (how.includes('lanes')) await run(center, 'nft', 'delete', 'table', 'inet', 'sallyport_lanes');
  for (const target of ['10.83.2.2', 'fd83:2::2']) await run(app, 'python3', '-c', sendFrame, mac, target);
  // What passes shows that a frame like these would have arrived.
  await run(center, 'nft', 'delete', 'table', 'inet', 'sallyport_guard');
  for (const target of ['10.83.2.2', 'fd83:2::2']) {
    const before = listener.output().length;
    await run(app, 'python3', '-c', sendFrame, mac, target);
    await expect.poll(() => listener.output().length).toBeGreaterThan(before);
  }
  expect(listener.output().match(/heard past the door/g)).toHaveLength(2);
});

test.each([
  [
    ['setpriv', '--bounding-set=-net_admin'],
    /Operation not permitted.*: it takes nf_tables in the kernel, and the capability NET_ADMIN/,
  ],
  [['env', 'PATH=/nowhere'], /nft: it is not installed/],
])('where the kernel cannot be told the start stops, and says why: %j', async (prefix, why) => {
  const { start } = await openWorld();
  const failure = await start(...prefix).catch((error: unknown) => String(error));
  expect(failure).toContain('FAST_LANE=1: nft: ');
  expect(failure).toMatch(why);
});

test('where the kernel forwards nothing the start stops, and says what to set', async () => {
  const { center, run, start } = await openWorld();
  for (const file of ['ipv4/ip_forward', 'ipv6/conf/all/forwarding'])
    await run(center, 'sh', '-c', `echo 0 >/proc/sys/net/${file}`);
  await expect(start()).rejects.toThrow(
    /FAST_LANE=1: the kernel forwards nothing, as net\.ipv4\.ip_forward is 0/,
  );
});

test('a family that the kernel does not forward is relayed by the door', async () => {
  const { center, app, run, start, isTold, flows } = await openWorld();
  await run(center, 'sh', '-c', 'echo 0 >/proc/sys/net/ipv6/conf/all/forwarding');
  await start();
  await isTold(2);
  await connect(app, DOOR[6]);
  expect(await flows()).toEqual([]);
  await connect(app, DOOR[4]);
  expect(await flows()).toHaveLength(1);
});

test('check tells why the kernel could not be told, and tells it nothing', async () => {
  const { center, ask, run } = await openWorld();
  expect(await ask('sallyport', 'check')).toContain('No problem was found');
  expect(await run(center, 'nft', 'list', 'ruleset')).toBe('');
  await run(
    center,
    'sh',
    '-c',
    'echo 0 | tee /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding',
  );
  expect(await ask('sallyport', 'check')).toContain('FAST_LANE=1: the kernel forwards nothing');
  const other = await openWorld({ PATH: pathWith({ nft: 'exit 3' }) });
  expect(await other.ask('sallyport', 'check')).toContain('FAST_LANE=1: nft: it ended with 3');
});

test('a probe goes through the relay, and takes nothing of the kernel', async () => {
  const { ask, flows, door } = await world();
  expect(door.output()).toContain('the kernel relays raw ports, otherwise than the relay does: ');
  expect(await ask('healthcheck')).toBe('healthy; the kernel takes new clients by 4 lanes\n');
  expect(await flows()).toEqual([]);
  expect(door.output()).not.toContain('net.ipv4.ip_forward is 1');
});

test('a session that nobody answers goes on with the next address of its name', async () => {
  const { app, run, two, start, isTold } = await openWorld({
    NAMESERVERS: 'system',
    TARGET: `both.test:${PORT}/udp`,
  });
  await run(
    two,
    'nft',
    'table inet mute { chain in { type filter hook input priority 0; udp dport 5432 drop; }; }',
  );
  await start();
  await isTold();
  // Of two sessions one begins with the mute target.
  const both = [await client(app, session(DOOR[4])), await client(app, session(DOOR[4]))];
  for (const each of both) await each.said('connected');
  await expect
    .poll(
      () => {
        for (const each of both) each.write('hello');
        return both.map((each) => each.output().includes('heard one: hello'));
      },
      { timeout: 20_000, interval: 500 },
    )
    .toEqual([true, true]);
});

test('with VERBOSE=1 what the kernel has taken is logged as it is forgotten, where it counts', async () => {
  const { center, app, run, start, isTold } = await openWorld({ VERBOSE: '1', UDP_TIMEOUT_MS: '1000' });
  const first = await start();
  await first.said('what the kernel takes is not logged');
  process.kill(first.pid, 'SIGKILL');
  await first.ended;
  for (const name of ['acct', 'timestamp'])
    await run(center, 'sh', '-c', `echo 1 >/proc/sys/net/netfilter/nf_conntrack_${name}`);
  const door = await start();
  await isTold();
  const udp = await client(app, session(DOOR[4]));
  await udp.said('connected');
  udp.write('hello');
  await udp.said('heard one: hello');
  await door.said('"msg":"session ended"');
  const line = JSON.parse(
    door
      .output()
      .split('\n')
      .find((each) => each.includes('session ended')) ?? '',
  ) as object;
  expect(line).toMatchObject({
    port: PORT,
    protocol: 'udp',
    client: expect.stringMatching(/^10\.83\.1\.2:\d+$/) as string,
    target: `db.test:${PORT}`,
    address: `${ONE[4]}:${PORT}`,
    sent: 20 + 8 + 'hello'.length,
    received: 20 + 8 + 'one: hello'.length,
    ending: 'idle',
  });
});

test('with addresses of their own names share a port in the kernel too, and the address chooses', async () => {
  const { app, start, isTold, flows } = await openWorld({
    TARGET: `db.test:${PORT} two.test:${PORT} db.test:${PORT}/udp two.test:${PORT}/udp`,
    DNS: '1',
    NAME_ADDRESSES: '10.83.1.128/25 fd83:1::1:0/112',
  });
  await start();
  await isTold();
  const ask = async (name: string, family: 4 | 6) => {
    const text = `
      const resolver = new dns.promises.Resolver({ tries: 1 });
      resolver.setServers(['${DOOR[4]}']);
      resolver.resolve${family}('${name}').then(([address]) => console.log(address));
    `;
    const [command, args] = script(app, text);
    return (await promisify(execFile)(command, args)).stdout.trim();
  };
  for (const family of FAMILIES) {
    for (const [name, heard] of [
      ['db.test', 'one: '],
      ['two.test', 'two: '],
    ] as const) {
      const address = await ask(name, family);
      const tcp = await connect(app, address);
      expect(tcp.output()).toContain(`heard ${heard}`);
      const udp = await client(app, session(address));
      await udp.said('connected');
      udp.write('hello');
      await udp.said(`heard ${heard}hello`);
    }
  }
  expect(await flows()).toHaveLength(8);
  const nobody = await client(app, connection('10.83.1.200'));
  await nobody.said('error ECONNRESET');
});

test('what a changed list has no more ends, in the kernel too', async () => {
  const file = join(temporaryDirectory(), 'targets');
  writeFileSync(file, `db.test:${PORT} db.test:${PORT}/udp`);
  const { app, door, flows } = await world({ TARGET: '', TARGET_FILE: file });
  const tcp = await connect(app, DOOR[4]);
  writeFileSync(file, `db.test:${PORT}/udp`);
  await door.said('TARGET_FILE is read');
  await expect.poll(flows).toEqual([]);
  tcp.write('hello');
  await tcp.said('error ECONNRESET');
});

/** nft and conntrack, which do as a file says: fail, or hang. */
function brittleTools() {
  const mood = join(temporaryDirectory(), 'mood');
  const brittle = (tool: string) =>
    `case $(cat '${mood}' 2>/dev/null) in ${tool}-fails|all-fail) exit 3;; all-hang) sleep 60;; esac\nexec /usr/sbin/${tool} "$@"`;
  return {
    PATH: pathWith({ nft: brittle('nft'), conntrack: brittle('conntrack') }),
    be: (how: string) => writeFileSync(mood, how),
  };
}

test.each([
  ['nft-fails', /^nft: it ended with 3/],
  ['conntrack-fails', /^$/],
  ['all-fail', /^nft: it ended with 3/],
])('tools that fail while it runs end nobody and nothing, and are tried again: %s', async (how, trouble) => {
  const { be, ...tools } = brittleTools();
  const { app, ask, askBoth, status, door } = await world({ ...tools, MAX_CONNECTIONS: '2' });
  const tcp = await connect(app, DOOR[4]);
  be(how);
  expect((await askBoth('sallyport', 'blackout', 'on')).stderr).toMatch(
    /the kernel may still take new clients: nft: it ended with 3|what the kernel has taken goes on/,
  );
  await ask('sallyport', 'blackout', 'off');
  const more = await connect(app, DOOR[4]);
  expect((await status()).fastLane?.trouble ?? '').toMatch(trouble);

  be('well');
  await expect.poll(async () => (await status()).fastLane?.trouble).toBeNull();
  // What should have ended with the blackout has.
  await expect
    .poll(() => {
      tcp.write('hello');
      return tcp.output();
    })
    .toContain('error ECONNRESET');
  more.write('hello');
  await expect.poll(() => more.output()).toMatch(/heard hello|ECONNRESET/);
  await connect(app, DOOR[4]);
  expect(door.output()).not.toContain('"failed"');
});

test('rules that cannot come back at once do a second later, though nobody asks', async () => {
  const { be, ...tools } = brittleTools();
  const { center, run, status, isTold } = await world(tools);
  be('nft-fails');
  await run(center, 'nft', 'flush', 'ruleset');
  expect((await status()).fastLane).toMatchObject({ lanes: null });
  be('well');
  await expect.poll(() => run(center, 'nft', 'list', 'tables')).toContain('sallyport_lanes');
  await isTold();
});

test.each(['conntrack-fails', 'nft-fails', 'all-fail'])(
  'what could not be ended is ended a second later, though nobody asks: %s',
  async (how) => {
    const { be, ...tools } = brittleTools();
    const { app, ask, flows } = await world(tools);
    const udp = await client(app, session(DOOR[4]));
    await udp.said('connected');
    udp.write('hello');
    await udp.said('heard one: hello');
    be(how);
    await ask('sallyport', 'blackout', 'on');
    expect(await flows()).toHaveLength(1);
    be('well');
    await expect.poll(flows).toEqual([]);
  },
);

test('tools that hang hold up neither relaying nor a stop', async () => {
  const { be, ...tools } = brittleTools();
  const { app, door, run, center } = await world({ ...tools, DRAIN_TIMEOUT_MS: '500' });
  be('all-hang');
  await run(center, 'nft', 'flush', 'ruleset');
  await connect(app, DOOR[4]);
  process.kill(door.pid, 'SIGTERM');
  expect(await door.ended).toBe(0);
});
