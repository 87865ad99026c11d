import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { Lanes } from '../../src/lane/lanes.ts';
import type { Lane, Terms } from '../../src/lane/ruleset.ts';
import { temporaryDirectory } from '../helpers/program.ts';
import { standIn } from '../helpers/stand-ins.ts';

const TERMS: Terms = {
  bind: null,
  allowFrom: null,
  limits: [90],
  parts: 1,
  maxPorts: 1_000,
  udpTimeout: 60,
  idleTimeout: null,
  connectTimeout: 10,
};
const ONE: Lane = {
  id: 0,
  protocol: 'tcp',
  port: 443,
  own: null,
  targets: ['192.0.2.1'],
  targetPort: 443,
  limit: 90,
};
const OTHER: Lane = { ...ONE, id: 3, targets: ['192.0.2.3'] };
/** No connections that are to end. */
const NONE: ReadonlySet<number> = new Set();
/** Parts of the rules: what all of them begin with, what leads to these lanes' targets, and what takes a former lane away. */
const GUARD = 'table inet sallyport_guard';
const TO_ONE = 'dnat ip to 192.0.2.1:443';
const TO_OTHER = 'dnat ip to 192.0.2.3:443';
const FORMER = 'delete chain inet sallyport_lanes lane0';

/** How a stand-in for nft(8) does: it fails with all that it is told, with a part of it, or not at all. */
type Mood = 'well' | 'fails' | 'fails with changes' | 'writes nothing' | 'lists nothing';

/** A stand-in for nft(8), which keeps what it is told to write, and tells what it is told to tell. */
function nft() {
  const directory = temporaryDirectory();
  const [told, mood, rules, counters] = ['told', 'mood', 'rules', 'counters'].map((name) =>
    join(directory, name),
  ) as [string, string, string, string];
  mkdirSync(told);
  const be = (how: Mood) => writeFileSync(mood, how);
  const tell = (text: string) => writeFileSync(rules, text);
  const count = (text: string) => writeFileSync(counters, text);
  be('well');
  tell('');
  count('{"nftables": []}');
  standIn({
    nft: `
      how="$(cat '${mood}'): $*"
      file="${told}/$(ls '${told}' | wc -l)"
      fail() { echo 'not permitted' >&2; exit 1; }
      case "$how" in
        *': -f -') cat >"$file";;
      esac
      case "$how" in
        'fails: '*|'writes nothing: -f -'|'lists nothing: --stateless '*) fail;;
        'fails with changes: -f -') grep -q '${GUARD}' "$file" || fail;;
        *': -f -') ;;
        *': --stateless --terse list table inet sallyport_guard') echo guard;;
        *': --stateless --terse list table inet sallyport_lanes') cat '${rules}';;
        *': --json list counters table inet sallyport_lanes') cat '${counters}';;
        *) fail;;
      esac`,
  });
  /** What it was told to write, one time behind the other, whether or not it has. */
  const written = () =>
    readdirSync(told)
      .toSorted((one, other) => Number(one) - Number(other))
      .map((name) => readFileSync(join(told, name), 'utf8'));
  return { be, tell, count, written };
}

/** Lanes that are open, and what was told of trouble. */
async function open() {
  const tool = nft();
  const troubles: unknown[] = [];
  const lanes = await Lanes.open(TERMS, (cause) => troubles.push(cause));
  return { ...tool, lanes, troubles };
}

test('at the start there are the guard, the table, and no lanes', async () => {
  const { lanes, troubles, written } = await open();
  const [rules = '', ...others] = written();
  expect(others).toEqual([]);
  expect(rules).toContain(GUARD);
  expect(rules).toContain('\ntable inet sallyport_lanes\n');
  expect(rules).toContain('ct timeout udp_ip');
  expect(rules).toContain('iifname "lo" return');
  expect(rules).not.toContain('dnat ip');
  expect([lanes.size, lanes.trouble, troubles]).toEqual([0, null, []]);
});

test('open() rejects where nothing can be written', async () => {
  const { be } = nft();
  be('fails');
  const opening = Lanes.open(TERMS, () => expect.unreachable());
  await expect(opening).rejects.toMatchObject({ name: 'ToolError', message: 'nft: not permitted' });
});

test('each change is written once, and nothing where there is none', async () => {
  const { lanes, written } = await open();
  await lanes.follow([ONE], NONE);
  await lanes.follow([{ ...ONE, targets: [...ONE.targets] }], NONE);
  await lanes.follow([OTHER, ONE], NONE);
  await lanes.follow([], NONE);
  const [, first = '', second = '', third = '', ...others] = written();
  expect(others).toEqual([]);
  for (const change of [first, second, third]) expect(change).not.toContain(GUARD);
  expect(first).toContain(TO_ONE);
  expect(first).not.toContain(FORMER);
  expect(second).toContain(TO_OTHER);
  expect(second).toContain(FORMER);
  expect(third).not.toContain('dnat ip');
  expect(third).toContain('delete chain inet sallyport_lanes lane1');
  expect(lanes.size).toBe(0);
});

test('what is wanted while something is written is written behind it, and only what is wanted last', async () => {
  const { lanes, written } = await open();
  await Promise.all([lanes.follow([], NONE), lanes.follow([ONE], NONE), lanes.follow([OTHER], NONE)]);
  const [, change = '', ...others] = written();
  expect(others).toEqual([]);
  expect(change).toContain(TO_OTHER);
  expect(change).not.toContain(TO_ONE);
});

test('connections that are to end are a change of their own, of the same lanes', async () => {
  const { lanes, written } = await open();
  await lanes.follow([ONE], NONE);
  await lanes.follow([ONE], new Set([3]));
  await lanes.follow([ONE], new Set([3]));
  await lanes.follow([ONE], 'all');
  expect(written().map((rules) => /^.*goto ending$/m.exec(rules)?.[0].trim())).toEqual([
    undefined,
    undefined,
    expect.stringContaining('{ 1929379843 }'),
    expect.stringMatching(/== 1929379840 goto/),
  ]);
});

test('ids that have been used are counted for good', async () => {
  const { lanes, written } = await open();
  await lanes.follow([OTHER], NONE);
  await lanes.follow([ONE], NONE);
  const [, , change = ''] = written();
  expect(change).toContain('counter received3 {');
  expect(change).not.toContain('counter received4 {');
});

test('where a change fails, all is written anew', async () => {
  const { lanes, troubles, be, written } = await open();
  await lanes.follow([ONE], NONE);
  be('fails with changes');
  await lanes.follow([OTHER], NONE);
  const [, , change = '', rewritten = '', ...others] = written();
  expect(others).toEqual([]);
  expect(change).not.toContain(GUARD);
  expect(rewritten).toContain(GUARD);
  expect(rewritten).toContain(TO_OTHER);
  expect(rewritten).toContain('counter sent3 {');
  expect(rewritten).not.toContain(FORMER);
  expect([lanes.size, lanes.trouble, troubles]).toEqual([1, null, []]);
});

test('trouble is told of once, and once when it is over', async () => {
  const { lanes, troubles, be } = await open();
  const trouble: unknown = expect.objectContaining({ message: 'nft: not permitted' });
  be('fails');
  for (const wanted of [[ONE], [OTHER], [ONE, OTHER]]) await lanes.follow(wanted, NONE);
  expect([lanes.size, lanes.trouble]).toEqual([null, trouble]);
  expect(troubles).toEqual([trouble]);
  be('well');
  for (const wanted of [[ONE], [OTHER], [ONE, OTHER]]) await lanes.follow(wanted, NONE);
  expect([lanes.size, lanes.trouble]).toEqual([2, null]);
  expect(troubles).toEqual([trouble, null]);
});

test('look() tells what has been counted, by id', async () => {
  const { lanes, count } = await open();
  await lanes.follow([ONE, OTHER], NONE);
  const counter = (name: string, packets: number, bytes: number) => ({
    counter: { family: 'inet', name, table: 'sallyport_lanes', handle: 1, packets, bytes },
  });
  count(
    JSON.stringify({
      nftables: [
        { metainfo: { version: '1.0.9' } },
        counter('opened0', 2, 120),
        counter('sent0', 20, 2_000),
        counter('received0', 30, 3_000),
        counter('received12', 5, 500),
        ...['else', 'a-sent5', 'sent5a', '5'].map((name) => counter(name, 7, 700)),
      ],
    }),
  );
  expect(await lanes.look()).toEqual(
    new Map([
      [0, { opened: 2, sent: 2_000, received: 3_000 }],
      [12, { opened: 0, sent: 0, received: 500 }],
    ]),
  );
});

test('look() writes nothing where nobody has changed anything', async () => {
  const { lanes, written } = await open();
  expect(await lanes.look()).toEqual(new Map());
  await lanes.follow([ONE], NONE);
  expect(await lanes.look()).toEqual(new Map());
  expect(written()).toHaveLength(2);
});

test('look() has rules written anew that somebody has changed', async () => {
  const { lanes, tell, written, troubles } = await open();
  await lanes.follow([ONE], NONE);
  tell('set live {\n\t\tsize 65535\n\t}');
  expect(await lanes.look()).toEqual(new Map());
  const [, , rewritten = '', ...others] = written();
  expect(others).toEqual([]);
  expect(rewritten).toContain(GUARD);
  expect(rewritten).toContain(TO_ONE);

  expect(await lanes.look()).toEqual(new Map());
  expect(written()).toHaveLength(3);
  expect([lanes.size, troubles]).toEqual([1, []]);
});

test.each<[string, Mood, string]>([
  ['the rules cannot be listed', 'lists nothing', '{"nftables": []}'],
  ['the counters cannot be read', 'well', '{'],
])('look() tells nothing where %s, and of that trouble once', async (_why, how, counters) => {
  const { lanes, be, count, troubles } = await open();
  await lanes.follow([ONE], NONE);
  be(how);
  count(counters);
  for (let i = 0; i < 2; i++) {
    expect(await lanes.look()).toBeNull();
    await lanes.follow([ONE], NONE);
  }
  expect(lanes.trouble).toBeInstanceOf(Error);
  expect(troubles).toEqual([lanes.trouble]);
  be('well');
  count('{"nftables": []}');
  expect(await lanes.look()).toEqual(new Map());
  expect([lanes.size, lanes.trouble, troubles.length]).toEqual([1, null, 2]);
});

test('look() tells nothing while the lanes cannot be written', async () => {
  const { lanes, be, troubles } = await open();
  be('writes nothing');
  await lanes.follow([ONE], NONE);
  expect(await lanes.look()).toBeNull();
  expect(troubles).toHaveLength(1);
});
