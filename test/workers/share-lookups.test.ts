import type { LookupAddress } from 'node:dns';

import { expect, test } from 'vitest';

import type { MainCalls } from '../../src/workers/calls.ts';
import { shareLookups } from '../../src/workers/share-lookups.ts';

const ADDRESS: LookupAddress = { address: '192.0.2.1', family: 4 };
const { signal } = new AbortController();
type LookedUp = Awaited<ReturnType<MainCalls['lookup']>>;

/** Lookups, and who answers them. */
function lookups() {
  const asked: { readonly host: string; readonly fresh: boolean }[] = [];
  const answers: PromiseWithResolvers<LookedUp>[] = [];
  const lookup = shareLookups((host, fresh) => {
    asked.push({ host, fresh });
    const answer = Promise.withResolvers<LookedUp>();
    answers.push(answer);
    return answer.promise;
  });
  return { lookup, asked, answers };
}

test('shareLookups() asks for a name once at a time, for all who want it, and anew after that', async () => {
  const { lookup, asked, answers } = lookups();
  const leaving = new AbortController();
  const left = lookup('a.test', leaving.signal).catch((cause: unknown) => cause);
  leaving.abort('left');
  expect(await left).toBe('left');
  const all = Array.from({ length: 10 }, () => lookup('a.test', signal));
  const others = [lookup('a.test', signal, { fresh: true }), lookup('b.test', signal)];
  expect(asked).toEqual([
    { host: 'a.test', fresh: false },
    { host: 'a.test', fresh: true },
    { host: 'b.test', fresh: false },
  ]);
  for (const { resolve } of answers) resolve({ addresses: [ADDRESS] });
  expect(await Promise.all([...all, ...others])).toEqual(Array.from({ length: 12 }, () => [ADDRESS]));

  const again = lookup('a.test', signal).catch((cause: unknown) => cause);
  expect(asked).toHaveLength(4);
  answers.at(-1)?.resolve({ problem: 'no such name', isFinal: true });
  expect(await again).toMatchObject({ name: 'ResolveError', message: 'no such name', isFinal: true });
});

test('shareLookups() asks for 1,000 names at a time, and refuses others until one is answered', async () => {
  const { lookup, answers } = lookups();
  const all = Array.from({ length: 1_000 }, (_, i) => lookup(`${i}.test`, signal));
  await expect(lookup('more.test', signal)).rejects.toThrow(
    'failed to look up more.test: 1000 others are being looked up',
  );
  answers[0]?.resolve({ addresses: [ADDRESS] });
  await all[0];
  const more = lookup('more.test', signal);
  for (const { resolve } of answers) resolve({ addresses: [ADDRESS] });
  expect(await more).toEqual([ADDRESS]);
});
