// Loaded into the door before it starts: at $INSIDE it tells, to whoever connects, what it waits for, once garbage is collected.
const { createServer } = require('node:net');
const { isMainThread } = require('node:worker_threads');

if (isMainThread) {
  createServer((socket) => {
    socket.on('error', () => {});
    globalThis.gc();
    const timers = process
      .getActiveResourcesInfo()
      .filter((kind) => kind === 'Timeout' || kind === 'Immediate');
    socket.end(JSON.stringify({ timers: timers.length }));
  })
    .listen(process.env.INSIDE)
    .unref();
}
