import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';

import { watchSilence } from '../../src/lane/silence.ts';
import { temporaryDirectory } from '../helpers/program.ts';
import { standIn } from '../helpers/stand-ins.ts';
import { until } from '../helpers/until.ts';

const PERIOD = 5_000;
const TIMEOUT = 60;
const MARK = 0x73_00_00_00;
const OF_ONE = 0xff_00_7f_ff;
/** Of lanes: one whose name has no other address, and one of a session that is always told of last, so that by then all others have been judged. */
const WITHOUT_OTHERS = 9;
const LAST = 100;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
});

interface Session {
  readonly id?: number;
  readonly client?: string;
  readonly port?: number;
  readonly left?: number;
  readonly isAnswered?: boolean;
}

/** As conntrack(8) tells of a session; by default of one that is unanswered, and whose client has just sent something. */
function session({
  id = 1,
  client = '10.83.1.2',
  port = 40_000,
  left = TIMEOUT,
  isAnswered = false,
}: Session) {
  const status = isAnswered ? '' : '[UNREPLIED] ';
  return `udp      17 ${left} src=${client} dst=10.83.1.1 sport=${port} dport=53 ${status}src=10.83.3.2 dst=10.83.3.1 sport=53 dport=${port} mark=${MARK + id} use=1`;
}

/** How it is told to forget one. */
function forget({ id = 1, client = '10.83.1.2', port = 40_000 }: Session) {
  return `-D --mark ${MARK + id}/${OF_ONE} --proto udp --orig-src ${client} --orig-port-src ${port}`;
}

/** A watch; a stand-in for conntrack(8) fails until it has something to tell of. */
function watch() {
  const directory = temporaryDirectory();
  const [done, said] = [join(directory, 'done'), join(directory, 'said')];
  writeFileSync(done, '');
  standIn({
    conntrack: `case "$1" in -D) ;; *) cat '${said}' || { echo failed >>'${done}'; exit 1; }; esac; echo "$*" >>'${done}'`,
  });
  const mayMove = vi.fn<() => boolean>(() => true);
  const hasOthers = vi.fn<(id: number) => boolean>((id) => id !== WITHOUT_OTHERS);
  const stop = watchSilence({ timeout: TIMEOUT, mayMove, hasOthers });
  onTestFinished(stop);
  const looks = () => hasOthers.mock.calls.filter(([id]) => id === LAST).length;
  /** Has it look at these. */
  const look = async (...lines: readonly string[]) => {
    const before = looks();
    writeFileSync(said, [...lines, session({ id: LAST }), ''].join('\n'));
    vi.advanceTimersByTime(PERIOD);
    await until(() => looks() > before);
  };
  const asked = () => readFileSync(done, 'utf8').split('\n').filter(Boolean);
  return { look, asked, mayMove, stop };
}

/** Resolves with those that were told to be forgotten, the last one included. */
async function forgotten(asked: () => readonly string[]) {
  await until(() => asked().includes(forget({ id: LAST })));
  return asked().filter((line) => line.startsWith('-D'));
}

test('sessions that are still unanswered when 5 s are over, and whose clients go on sending, begin anew', async () => {
  const { look, asked } = watch();
  const both: readonly Session[] = [{ left: 56 }, { id: 2, client: 'fd83:1::2' }];
  await look(...both.map(session));
  expect(asked()).toHaveLength(1);
  await look(...both.map(session));
  expect(await forgotten(asked)).toEqual([...both, { id: LAST }].map(forget));
});

test.each<[string, string, string]>([
  ['is answered by then', session({}), session({ isAnswered: true })],
  ['has always been answered', session({ isAnswered: true }), session({ isAnswered: true })],
  ['has a client that says nothing more', session({}), session({ left: 55 })],
  ['is one of another port', session({}), session({ port: 40_001 })],
  ['is one of another client', session({}), session({ client: '10.83.1.3' })],
  ['is one of another lane', session({}), session({ id: 2 })],
  ['has no other address', session({ id: WITHOUT_OTHERS }), session({ id: WITHOUT_OTHERS })],
  [
    'is a connection',
    session({}).replace('udp      17 60', 'tcp      6 60 SYN_SENT'),
    session({}).replace('udp      17 60', 'tcp      6 60 SYN_SENT'),
  ],
])('what %s goes on', async (_what, first, second) => {
  const { look, asked } = watch();
  await look(first);
  await look(second);
  expect(await forgotten(asked)).toEqual([forget({ id: LAST })]);
});

test('each 5 s it is looked, unless no session could move', async () => {
  const { look, asked, mayMove } = watch();
  mayMove.mockReturnValue(false);
  vi.advanceTimersByTime(PERIOD - 1);
  expect(mayMove).toHaveBeenCalledTimes(0);
  vi.advanceTimersByTime(1);
  expect(mayMove).toHaveBeenCalledTimes(1);
  mayMove.mockReturnValue(true);
  await look();
  expect(asked()).toEqual(['-L --mark 1929379840/4278190080']);
});

test('a look that fails is not the last', async () => {
  const { look, asked } = watch();
  vi.advanceTimersByTime(PERIOD);
  await until(() => asked().includes('failed'));
  await look();
  await look();
  expect(await forgotten(asked)).toEqual([forget({ id: LAST })]);
});

test('it is looked no more when nobody wants that', () => {
  const { stop, mayMove } = watch();
  expect(vi.getTimerCount()).toBe(1);
  stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(PERIOD);
  expect(mayMove).not.toHaveBeenCalled();
});
