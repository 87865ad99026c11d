// Loaded into a relay before it starts: at SIGWINCH one thread takes memory until it has no more, the first worker or, where there is none, the main thread.
const threads = require('node:worker_threads');
const { Worker, isMainThread, postMessageToThread } = threads;

threads.Worker = class extends Worker {
  constructor(file, options) {
    super(file, { ...options, resourceLimits: { maxOldGenerationSizeMb: 32 } });
  }
};
const kept = [];
const hoard = () => setInterval(() => kept.push(Array.from({ length: 100_000 }, () => 0.5)), 1);
if (!isMainThread) process.on('workerMessage', hoard);
else process.on('SIGWINCH', process.env.WORKERS === '1' ? hoard : () => postMessageToThread(1, 'hoard'));
