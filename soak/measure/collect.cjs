// Runs inside of a relay, in each of its threads, by --require: collects all garbage again and again, and writes to descriptor 3 what is left then.
const { writeSync } = require('node:fs');
const { threadId } = require('node:worker_threads');

const EVERY = 10_000; // ms
const REPORTS = 3;

setInterval(() => {
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  try {
    writeSync(REPORTS, `${threadId} ${heapUsed + external}\n`);
  } catch {
    process.exit(1); // whoever reads them has been killed, and nobody else would end the relay
  }
}, EVERY).unref();
