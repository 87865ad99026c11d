import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { expect, onTestFinished, test } from 'vitest';

import { type Flow, forgetFlows, isLive, listFlows, watchFlows } from '../../src/lane/conntrack.ts';
import { temporaryDirectory } from '../helpers/program.ts';
import { standIn, usePath } from '../helpers/stand-ins.ts';

const MARK = 0x73_00_00_00;
const ANY_MARK = '1929379840/4278190080';

/** A stand-in for conntrack(8), which says this and then does that; and its arguments, a line each time. */
function conntrack(says: string, does = '') {
  const directory = temporaryDirectory();
  const [asked, said] = [join(directory, 'asked'), join(directory, 'said')];
  writeFileSync(said, says);
  standIn({ conntrack: `echo "$*" >>'${asked}'; cat '${said}'; ${does}` });
  return () => readFileSync(asked, 'utf8').trimEnd().split('\n');
}

/** Where others than the lane's id may stand: the part, and whether a client has been reset. */
const OF_ONE = 0xff_00_7f_ff;
const TCP = `tcp      6 431999 ESTABLISHED src=10.83.1.2 dst=10.83.1.1 sport=40000 dport=5432 src=10.83.3.2 dst=10.83.3.1 sport=5433 dport=40000 [ASSURED] mark=${MARK + 1} use=1`;
const COUNTED = `tcp      6 118 TIME_WAIT src=10.83.1.2 dst=10.83.1.1 sport=40000 dport=5432 packets=6 bytes=321 src=10.83.3.2 dst=10.83.3.1 sport=5433 dport=40000 packets=4 bytes=222 [ASSURED] mark=${MARK + 0xff_7f_ff} delta-time=12 use=1`;
const UNREPLIED = `udp      17 29 src=fd83:1::2 dst=fd83:1::1 sport=40000 dport=53 packets=1 bytes=53 [UNREPLIED] src=fd83:3::2 dst=fd83:3::1 sport=5353 dport=40000 packets=0 bytes=0 mark=${MARK} delta-time=3 use=1`;
const UDP = `udp      17 29 src=10.83.1.2 dst=10.83.1.1 sport=40000 dport=53 src=10.83.3.2 dst=10.83.3.1 sport=5353 dport=40000 mark=${MARK} use=1`;

const flow: Flow = {
  id: 1,
  part: 0,
  client: { address: '10.83.1.2', port: 40_000 },
  target: { address: '10.83.3.2', port: 5_433 },
  state: 'ESTABLISHED',
  isAnswered: true,
  isForgotten: false,
  left: 431_999,
  sent: 0,
  received: 0,
  duration: 0,
};
const datagrams = {
  id: 0,
  target: { address: '10.83.3.2', port: 5_353 },
  state: '',
  left: 29,
};

test.each<[string, string, Flow]>([
  ['a connection', TCP, flow],
  [
    'one that is over, where the kernel counts',
    COUNTED,
    { ...flow, id: 32_767, part: 255, state: 'TIME_WAIT', left: 118, sent: 321, received: 222, duration: 12 },
  ],
  [
    'one whose target has not answered the SYN',
    `tcp      6 3 SYN_SENT src=10.83.1.2 dst=10.83.1.1 sport=40000 dport=5432 [UNREPLIED] src=10.83.3.2 dst=10.83.3.1 sport=5433 dport=40000 mark=${MARK + 1} use=1`,
    { ...flow, state: 'SYN_SENT', left: 3, isAnswered: false },
  ],
  [
    'one with a number in its state',
    TCP.replace('ESTABLISHED', 'SYN_SENT2'),
    { ...flow, state: 'SYN_SENT2' },
  ],
  ['a session', UDP, { ...flow, ...datagrams }],
  [
    'one of IPv6 that nobody has answered',
    UNREPLIED,
    {
      ...flow,
      ...datagrams,
      client: { address: 'fd83:1::2', port: 40_000 },
      target: { address: 'fd83:3::2', port: 5_353 },
      isAnswered: false,
      sent: 53,
      duration: 3,
    },
  ],
])('listFlows() tells of %s', async (_what, line, told) => {
  conntrack(`${line}\n`);
  expect(await listFlows()).toEqual([told]);
});

test('listFlows() asks for marks of lanes, and skips lines that tell of no flow', async () => {
  const others = [
    'conntrack v1.4.7 (conntrack-tools): 2 flow entries have been shown.',
    'icmp     1 29 src=10.83.1.2 dst=10.83.1.1 type=8 code=0 id=1 src=10.83.3.2 dst=10.83.3.1 type=0 code=0 id=1 mark=1929379840 use=1',
    TCP.replace(/ mark=\d+/, ''),
    '',
  ];
  const asked = conntrack([...others, TCP, ...others, UDP, ''].join('\n'));
  expect((await listFlows()).map(({ id }) => id)).toEqual([1, 0]);
  expect(asked()).toEqual([`-L --mark ${ANY_MARK}`]);
});

test('listFlows() rejects where it cannot be told', async () => {
  conntrack(TCP, 'echo "Operation not permitted" >&2; exit 1');
  await expect(listFlows()).rejects.toMatchObject({
    name: 'ToolError',
    message: 'conntrack: Operation not permitted',
  });
});

test.each([
  ['ESTABLISHED', true],
  ['CLOSE_WAIT', true],
  ['', true],
  ['TIME_WAIT', false],
  ['CLOSE', false],
])('of a flow in the state %j something may come: %s', (state, isIt) => {
  expect(isLive({ ...flow, state })).toBe(isIt);
});

test.each<[Parameters<typeof forgetFlows>[0], string]>([
  [{}, `-D --mark ${ANY_MARK}`],
  [{ protocol: 'tcp' }, `-D --mark ${ANY_MARK} --proto tcp`],
  [{ id: 7 }, `-D --mark ${MARK + 7}/${OF_ONE}`],
  [{ id: 0, target: '10.83.3.2' }, `-D --mark ${MARK}/${OF_ONE} --reply-src 10.83.3.2`],
  [
    { id: 1, protocol: 'udp', client: { address: 'fd83:1::2', port: 40_000 } },
    `-D --mark ${MARK + 1}/${OF_ONE} --proto udp --orig-src fd83:1::2 --orig-port-src 40000`,
  ],
])('forgetFlows() says which are meant: %j', async (which, args) => {
  const asked = conntrack('');
  await forgetFlows(which);
  expect(asked()).toEqual([args]);
});

test.each([
  ['conntrack v1.4.7 (conntrack-tools): 0 flow entries have been deleted.', null],
  ['conntrack v1.4.7 (conntrack-tools): 10 flow entries have been deleted.', 'ToolError'],
  ['conntrack v1.4.7 (conntrack-tools): Operation failed: no such file', 'ToolError'],
])('forgetFlows() fails unless that is for want of any: %s', async (says, failure) => {
  conntrack('', `echo '${says}' >&2; exit 1`);
  const outcome = await forgetFlows({}).then(
    () => null,
    (cause: unknown) => (cause instanceof Error ? cause.name : cause),
  );
  expect(outcome).toBe(failure);
});

test.each(['UPDATES,DESTROY', 'DESTROY'] as const)('watchFlows() asks for %s of lanes', async (events) => {
  const asked = conntrack(`${TCP}\n`);
  const told = Promise.withResolvers<Flow>();
  const stop = watchFlows(events, told.resolve);
  onTestFinished(stop);
  expect(await told.promise).toEqual(flow);
  expect(asked()).toEqual([`-E -e ${events} --mark ${ANY_MARK}`]);
});

test('watchFlows() tells of each flow that ends, and whether the kernel was told to forget it', async () => {
  const events = [
    `[DESTROY] ${UDP.replace(' 29 ', ' ').replace(' use=1', '')}`,
    'conntrack v1.4.7 (conntrack-tools): 1 flow events have been shown.',
    `[DESTROY] ${COUNTED.replace(' 118 ', ' ').replace(' use=1', '')}`,
    ` [UPDATE] ${TCP.replace(' use=1', '')}`,
    `[DESTROY] ${TCP.replace(' 431999 ', ' ').replace('use=1', '[USERSPACE] portid=26810 progname=conntrack')}`,
  ];
  conntrack(`${events.join('\n')}\n`);
  const told: Flow[] = [];
  onTestFinished(watchFlows('DESTROY', (each) => told.push(each)));
  await expect.poll(() => told).toHaveLength(4);
  expect(told).toEqual([
    { ...flow, ...datagrams, left: 0 },
    { ...flow, id: 32_767, part: 255, state: 'TIME_WAIT', left: 0, sent: 321, received: 222, duration: 12 },
    flow,
    { ...flow, left: 0, isForgotten: true },
  ]);
});

test('watchFlows() ends its program when nobody wants to be told any more', async () => {
  const file = join(temporaryDirectory(), 'pid');
  conntrack('', `echo $$ >'${file}.new'; mv '${file}.new' '${file}'; exec sleep 60`);
  const stop = watchFlows('DESTROY', () => {});
  onTestFinished(stop);
  await expect.poll(() => existsSync(file)).toBe(true);
  const pid = Number(readFileSync(file, 'utf8'));
  const isThere = () => existsSync(`/proc/${pid}`);
  expect(isThere()).toBe(true);
  stop();
  await expect.poll(isThere).toBe(false);
});

test('watchFlows() tells nothing where there is no such program, and fails nowhere', async () => {
  usePath('/nowhere');
  const stop = watchFlows('DESTROY', () => expect.unreachable());
  // As it is told that nothing was started, which would end this process if nobody listened.
  await nextTurn();
  stop();
});
