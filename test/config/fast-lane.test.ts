import { expect, test } from 'vitest';

import { parseConfig } from '../../src/config/config.ts';
import { problemsOf } from '../helpers/config.ts';

const on = { FAST_LANE: '1', PRE_RESOLVE: '1' };
const addressed = { DNS: '1', NAME_ADDRESSES: '192.0.2.128/25' };

test.each([
  { TARGET: 'a.test', ...on },
  { TARGET: 'a.test:443 b.test:5432 c.test:514/udp', ...on },
  { TARGET: '192.0.2.1', FAST_LANE: '1' },
  { TARGET: 'a.test:5432 b.test:5432', ...on, ...addressed },
  { TARGET: 'a.test', ...on, MODE: 'tcp http-proxy' },
  { TARGET: 'a.test', ...on, NAME_CHECK: 'off' },
])('with %j the kernel may take clients', (environment) => {
  expect(parseConfig(environment)).toMatchObject({ fastLane: true, warnings: [] });
});

test.each<[Record<string, string>, string]>([
  [{ TARGET: 'a.test', FAST_LANE: '1' }, 'it takes PRE_RESOLVE=1, as the kernel has to be told'],
  [{ TARGET: 'a.test', ...on, NAME_CHECK: 'enforce' }, 'NAME_CHECK=enforce reads what clients say'],
  [{ TARGET: 'a.test', ...on, NAME_CHECK: 'report' }, 'NAME_CHECK=report reads what clients say'],
  [{ TARGET: 'a.test', ...on, PROXY_PROTOCOL: 'v2' }, 'PROXY_PROTOCOL=v2 is for the relay to write'],
  [
    { TARGET: 'a.test b.test', ...on },
    'several names share port 443, 80: give each a port of its own, or an address (NAME_ADDRESSES)',
  ],
  [{ TARGET: '*.a.test', ...on, PORT: '443' }, 'several names share port 443'],
  [{ TARGET: 'a.test', ...on, MODE: 'http-proxy' }, 'there is no port to relay raw'],
  [
    { TARGET: 'a.test:5432 b.test:5432', ...on, ...addressed, NAME_CHECK: 'enforce' },
    'NAME_CHECK=enforce reads what clients say',
  ],
])('with %j the kernel could not, which stops the start', (environment, problem) => {
  expect(problemsOf(environment)).toEqual([expect.stringContaining(`FAST_LANE=1: ${problem}`)]);
});
