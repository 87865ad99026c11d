import { deepEqual, equal, ok } from 'node:assert/strict';
import { isIP } from 'node:net';

import type { Config } from '../../../src/config/config.ts';
import { canonical } from '../../../src/config/host.ts';
import { indexNames } from '../../../src/config/name-index.ts';
import { isMeantBy } from '../../../test/helpers/name-meaning.ts';
import { readEnvironment } from '../read-environment.ts';

const NAME = /^(\*|(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?)$/;

/** Lines of TARGET, PORT, MODE and NAME_CHECK: rules that can be written out and mean the same, and let in whom a plain comparison does. */
export function fuzz(bytes: Buffer): void {
  const [target = '', port = '', mode = '', check = ''] = bytes.toString().split('\n');
  const ways = { MODE: mode, NAME_CHECK: check };
  const { config } = readEnvironment({ TARGET: target, PORT: port, ...ways });
  if (config === null) return;
  for (const { names, ports } of config.rules) {
    for (const name of names) ok(isIP(name) !== 0 || NAME.test(name), name);
    for (const { listen, target: to } of ports)
      ok([listen, to].every((each) => Number.isInteger(each) && each >= 1 && each <= 65_535));
  }
  const listed = tuplesOf(config);
  // A rule of thousands would take the fuzzer's time.
  if (listed.length > 100) return;
  const { config: again } = readEnvironment({ TARGET: listed.join(' '), ...ways });
  ok(again !== null, `what is accepted is not, written out: ${listed.join(' ')}`);
  deepEqual(tuplesOf(again), listed);
  expectMeanings(config);
}

/** Every name with each of its ports, as TARGET could list them. */
function tuplesOf({ rules }: Config): readonly string[] {
  const hostOf = (name: string) => (name.includes(':') ? `[${name}]` : name);
  return rules
    .flatMap(({ names, protocol, ports }) =>
      names.flatMap((name) =>
        ports.map(({ listen, target }) => `${hostOf(name)}:${listen}:${target}/${protocol}`),
      ),
    )
    .toSorted();
}

function expectMeanings({ listeners }: Config): void {
  for (const { allowed } of listeners) {
    const index = indexNames(allowed);
    const names = [...new Set(allowed.flatMap((each) => each.names))].slice(0, 10);
    const bare = names.map((name) => name.replace(/^\*\.?/, ''));
    const asked = bare.flatMap((name) => [
      name,
      name.toUpperCase(),
      `x.${name}`,
      name.replace(/^[^.]*\./, ''),
    ]);
    for (const name of asked.filter((each) => isIP(each) === 0)) {
      const isMeant = allowed.some((each) => each.names.some((listed) => isMeantBy(listed, name)));
      equal(index.find(name) !== null, isMeant, name);
    }
    for (const name of names.filter((each) => isIP(each) !== 0))
      equal(canonical(index.find(name)?.host ?? ''), canonical(name));
  }
}
