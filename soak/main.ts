// Mixed load and faults on built relays, every byte compared: `npm run soak`. CONTRIBUTING.md says when.
import { randomInt } from 'node:crypto';

import { messageOf } from './message-of.ts';
import { type Options, parseOptions, usage } from './options.ts';
import { verdict } from './report/verdict.ts';
import { soak } from './soak.ts';

const UNDERSTOOD_NOT = 2;

async function main({ minutes, seed }: Options): Promise<number> {
  using stack = new DisposableStack();
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort()).once('SIGTERM', () => interrupt.abort());
  const say = (line: string) => console.log(line);
  say(`Soaks for ${minutes} minutes with seed ${seed}, on Node ${process.versions.node}.`);
  const outcome = await soak({ minutes, seed, say, signal: interrupt.signal }, stack);
  const { text, isWell } = verdict(outcome);
  say(text);
  if (interrupt.signal.aborted) say('It was interrupted, and judged as far as it went.');
  say(`To repeat it: npm run soak -- --minutes ${minutes} --seed ${seed}`);
  return isWell ? 0 : 1;
}

function optionsOf(args: readonly string[]): Options | null {
  try {
    return parseOptions(args, () => randomInt(2 ** 32));
  } catch (cause) {
    console.error(messageOf(cause));
    return null;
  }
}

const options = optionsOf(process.argv.slice(2));
if (options === null) process.exitCode = UNDERSTOOD_NOT;
else if (options.help) console.log(usage);
else
  main(options).then(
    (code) => process.exit(code),
    (cause: unknown) => {
      console.error(cause);
      process.exit(1);
    },
  );
