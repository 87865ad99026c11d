import { expect, test } from 'vitest';

import { describeBehaviour } from '../../../src/commands/check/behaviour.ts';
import { parseConfig } from '../../../src/config/config.ts';

test.each([
  [{}, "names are resolved by the container's own resolver, at each connection; TARGET_SCOPE=private"],
  [
    { PRE_RESOLVE: '1', NAMESERVERS: '9.9.9.9 system' },
    'names are resolved through 9.9.9.9, system, and kept fresh; TARGET_SCOPE=private',
  ],
  [
    { PRE_RESOLVE: '1', NAMESERVERS: '9.9.9.9', PRE_RESOLVE_REFRESH: '0', TARGET_SCOPE: 'any' },
    'names are resolved through 9.9.9.9, once, and kept for ever; TARGET_SCOPE=any',
  ],
  [{}, 'names are not checked: whatever a client says goes to the target'],
  [{ NAME_CHECK: 'report' }, 'names are read: who asks for another than TARGET is logged, and let through'],
  [{ NAME_CHECK: 'enforce' }, 'names are checked: who asks for another than TARGET is refused'],
  [
    { NAME_CHECK: 'enforce', TLS_ECH: 'refuse' },
    'names are checked: who asks for another than TARGET is refused, and so is who hides one',
  ],
  [
    { MODE: 'http-proxy', NAME_CHECK: 'off' },
    "the proxy's clients name the target; names within their tunnels are not checked",
  ],
  [{ MODE: 'udp' }, 'names are not checked: datagrams carry none'],
  [{ BIND: '127.0.0.1 ::1' }, 'listens on 127.0.0.1, ::1 alone'],
  [{ ALLOW_FROM: '10.0.0.0/8 ::1' }, 'clients may come from 10.0.0.0/8, ::1/128; others are reset'],
  [
    { ALLOW_FROM: '10.0.0.0/8', MODE: 'udp' },
    'clients may come from 10.0.0.0/8; the datagrams of others are dropped',
  ],
  [{ PROXY_PROTOCOL: 'v2' }, 'the target is told who the client is, in a PROXY header v2'],
  [{}, '100 connections a port; up to 1000 more wait for their turn'],
  [{ MAX_CONNECTIONS: '0' }, 'any number of connections'],
  [{ CONNECT_TIMEOUT_MS: '5' }, 'the target is reached within 5 ms, or the client is reset'],
  [{ ADMIN_PORT: '9', ADMIN_HOST: '::1' }, 'metrics and health are told on [::1]:9'],
  [{}, 'connections may be idle for ever'],
  [{ IDLE_TIMEOUT_MS: '5' }, 'a connection is reset after 5 ms without a byte'],
  [{ DRAIN_TIMEOUT_MS: '5' }, 'at a stop, what is live has 5 ms to finish'],
  [
    { MODE: 'udp' },
    '100 sessions a port; one more takes the place of one that was never answered, or has been idle longest',
  ],
  [{ MODE: 'udp', MAX_CONNECTIONS: '0' }, 'any number of sessions'],
  [{ MODE: 'udp', UDP_TIMEOUT_MS: '5' }, 'a session ends after 5 ms of silence'],
  [
    { MODE: 'udp', UDP_ANSWERS: '0', UDP_TIMEOUT_MS: '5' },
    'answers are not expected; the name is asked for anew every 5 ms',
  ],
  [{ MODE: 'udp', DRAIN_TIMEOUT_MS: '5' }, 'at a stop, what is live has 5 ms to finish'],
  [
    { SMTP_HEALTHCHECK: '1', PORT: '2525:25' },
    'the healthcheck asks smtp://api.test/ by port 2525, for at most 2000 ms',
  ],
  [
    {
      HTTP_HEALTHCHECK: '1',
      HTTP_HEALTHCHECK_URL: 'https://a:b@api.test/c?d=e',
      HTTP_HEALTHCHECK_TIMEOUT_MS: '5',
    },
    'the healthcheck asks https://api.test/c by port 443, for at most 5 ms',
  ],
])('describeBehaviour() of %j', (environment, sentence) => {
  expect(describeBehaviour(parseConfig({ TARGET: 'api.test', ...environment }))).toContain(sentence);
});

test('describeBehaviour() counts no sessions where all clients share one', () => {
  const lines = describeBehaviour(parseConfig({ TARGET: 'api.test', MODE: 'udp', UDP_ANSWERS: '0' }));
  expect(lines).toHaveLength(4);
});
