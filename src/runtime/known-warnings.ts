/**
 * Has Node not warn, with each start, that node:ffi is experimental: the image pins the Node that it was tested with, and without node:ffi
 * sockets are relayed as streams. All other warnings are written as before.
 */
export function dropKnownWarnings(process: NodeJS.Process): void {
  const listeners = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    const isKnown = warning.name === 'ExperimentalWarning' && warning.message.startsWith('FFI ');
    if (!isKnown) for (const listener of listeners) listener.call(process, warning);
  });
}
