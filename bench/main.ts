// Measures this relay beside others in one run: `npm run bench`. What is measured and how is in docs/performance.md.
import { chooseLoads, choosePeers } from './choose.ts';
import { parseOptions, usage } from './options.ts';
import { comparison } from './report/comparison.ts';
import { runRounds } from './rounds.ts';
import { killAll } from './world/launch.ts';
import { openWorld } from './world/world.ts';

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) return console.log(usage);
  const peers = choosePeers(options, console.error);
  const loads = chooseLoads(options, console.error);

  using stack = new DisposableStack();
  stack.defer(killAll);
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => {
      stack.dispose();
      process.exit(code);
    });
  const world = await openWorld(stack);
  console.error(`On ${world.description}.`);
  const samples = [];
  for (const load of loads)
    samples.push(...(await runRounds(load, peers, { ...options, world, say: console.error })));
  console.log(
    comparison(
      samples,
      peers.map(({ name }) => name),
    ),
  );
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
