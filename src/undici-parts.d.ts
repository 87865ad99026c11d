// The parts of undici that are needed, without its entry: that one also loads fetch, WebSocket and caches, 280 kB of
// JavaScript which every start would pay for.
declare module 'undici/lib/dispatcher/client.js' {
  export { Client as default } from 'undici';
}
declare module 'undici/lib/core/connect.js' {
  export { buildConnector as default } from 'undici';
}
