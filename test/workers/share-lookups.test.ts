import type { LookupAddress } from 'node:dns';
import { MessageChannel } from 'node:worker_threads';

import { expect, onTestFinished, test } from 'vitest';

import { DeadlineError, isDeadline } from '../../src/lib/deadline.ts';
import type { MainCalls } from '../../src/workers/calls.ts';
import { answerCalls, callsTo } from '../../src/workers/channel.ts';
import { shareLookups } from '../../src/workers/share-lookups.ts';

const ADDRESS: LookupAddress = { address: '192.0.2.1', family: 4 };
const { signal } = new AbortController();

type LookedUp = Awaited<ReturnType<MainCalls['lookup']>>;

interface Asked {
  readonly host: string;
  readonly fresh: boolean;
  readonly wanted: AbortSignal;
  readonly answer: PromiseWithResolvers<LookedUp>;
}

/** Lookups that another thread answers; here both ends of the channel are in one. */
function lookups() {
  const asked: Asked[] = [];
  const wakers: (() => void)[] = [];
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  answerCalls<Pick<MainCalls, 'lookup'>>(port2, {
    lookup: (host, fresh, wanted) => {
      const answer = Promise.withResolvers<LookedUp>();
      wanted.addEventListener('abort', () => answer.reject(wanted.reason));
      asked.push({ host, fresh, wanted, answer });
      for (const wake of wakers.splice(0)) wake();
      return answer.promise;
    },
  });
  const ask = callsTo<Pick<MainCalls, 'lookup'>>(port1);
  return {
    lookup: shareLookups((...question) => ask('lookup', ...question)),
    asked,
    /** So many have been asked. */
    arrived: async (count: number) => {
      while (asked.length < count) await new Promise<void>((resolve) => wakers.push(resolve));
    },
  };
}

test('shareLookups() asks for a name once at a time, for all who want it, and anew after that', async () => {
  const { lookup, asked, arrived } = lookups();
  const all = Array.from({ length: 10 }, () => lookup('a.test', signal));
  const others = [lookup('a.test', signal, { fresh: true }), lookup('b.test', signal)];
  await arrived(3);
  expect(asked.map(({ host, fresh }) => [host, fresh])).toEqual([
    ['a.test', false],
    ['a.test', true],
    ['b.test', false],
  ]);
  for (const { answer } of asked) answer.resolve({ addresses: [ADDRESS] });
  expect(await Promise.all([...all, ...others])).toEqual(Array.from({ length: 12 }, () => [ADDRESS]));

  const again = lookup('a.test', signal);
  await arrived(4);
  asked.at(-1)?.answer.resolve({ problem: 'no such name', isFinal: true });
  await expect(again).rejects.toMatchObject({ name: 'ResolveError', message: 'no such name', isFinal: true });
});

test('shareLookups() tells the other thread, and why, when nobody waits for a name any more', async () => {
  const { lookup, asked, arrived } = lookups();
  const leaving = new AbortController();
  const left = lookup('a.test', leaving.signal);
  const staying = lookup('b.test', signal);
  await arrived(2);
  const given = new Promise((resolve) => asked[0]?.wanted.addEventListener('abort', resolve));
  leaving.abort(new DeadlineError(10));
  await expect(left).rejects.toThrow('no answer within 10 ms');
  await given;
  expect(isDeadline(asked[0]?.wanted.reason)).toBe(true);
  expect(asked[1]?.wanted.aborted).toBe(false);
  asked[1]?.answer.resolve({ addresses: [ADDRESS] });
  expect(await staying).toEqual([ADDRESS]);
});
