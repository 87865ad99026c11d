// Starts Jazzer.js. To choose what is kept, libFuzzer starts it again, by what Node takes for its own path: behind another loader, that is the loader.
import { argv, env } from 'node:process';

argv[0] = env.FUZZ_NODE ?? argv[0];
// Most errors are refusals, and to find out where they were made would take as long as all the rest.
Error.stackTraceLimit = 0;

await import('@jazzer.js/core/dist/cli.js');
