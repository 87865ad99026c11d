import { expect, test } from 'vitest';

import { hostField } from '../../healthcheck/http.ts';

test.each([
  ['http://a.test/', 80, 'a.test'],
  ['http://a.test/', 8080, 'a.test:8080'],
  ['https://a.test/', 443, 'a.test'],
  ['https://a.test/', 8443, 'a.test:8443'],
  ['https://a.test/', 80, 'a.test:80'],
  ['http://a.test:9000/', 9000, 'a.test:9000'],
  ['http://a.test:9000/', 80, 'a.test'],
  ['http://[2001:db8::1]/', 80, '[2001:db8::1]'],
  ['http://[2001:db8::1]/', 8080, '[2001:db8::1]:8080'],
])('Host of a probe of %s by port %i is %s', (url, port, host) => {
  expect(hostField(new URL(url), port)).toBe(host);
});
