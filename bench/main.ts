// Measures this relay beside others in one run: `npm run bench`. What is measured and how is in docs/performance.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { chooseLoads, choosePeers } from './choose.ts';
import { withinLimits } from './limits.ts';
import type { Sample } from './metrics.ts';
import { copyOfNode } from './node-copy.ts';
import { parseOptions, usage } from './options.ts';
import { replaceBetween } from './report/page.ts';
import { report, type Results, toJson } from './report/report.ts';
import { summarizePeers } from './report/statistics.ts';
import { runRounds } from './rounds.ts';
import { describeSetting } from './setting.ts';
import { measureSmall } from './small/small.ts';
import { killAll } from './world/launch.ts';
import { openWorld } from './world/world.ts';

const RESULTS = join(import.meta.dirname, 'results.json');
const PAGE = join(import.meta.dirname, '../docs/performance.md');

async function main(flags: readonly string[]): Promise<void> {
  const asked = parseOptions(flags);
  if (asked.help) return console.log(usage);
  const say = (line: string) => console.error(line);
  const options = withinLimits(asked, say);
  using stack = openStack();
  const node = copyOfNode(stack);
  const peers = choosePeers(options, { node, say });
  const loads = chooseLoads(options, say);
  const world = await openWorld(options, stack);
  say(`On ${world.description}.`);
  const samples: Sample[] = [];
  for (const load of loads)
    samples.push(...(await runRounds(load, peers, { ...options, world, say, stack })));
  const small = options.small && (await measureSmall({ ...options.small, world, node, stack }));

  const setting = describeSetting(peers, { network: world.description, flags });
  const { isWhole, rounds, seconds, idle } = options;
  const summaries = summarizePeers(
    samples,
    peers.map(({ name }) => name),
  );
  const json = toJson({ setting, isWhole, rounds, seconds, idle, peers: summaries, small });
  // Of what is kept, as what is rounded twice may come to something else.
  const text = report(JSON.parse(json) as Results);
  console.log(text);
  if (!options.isWritten) return;
  writeFileSync(RESULTS, json);
  writeFileSync(PAGE, replaceBetween(readFileSync(PAGE, 'utf8'), text));
  say(`Written to ${RESULTS} and ${PAGE}.`);
}

/** What has to end with this program, however that comes. */
function openStack(): DisposableStack {
  const stack = new DisposableStack();
  stack.defer(killAll);
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => {
      stack.dispose();
      process.exit(code);
    });
  return stack;
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
