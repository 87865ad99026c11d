import { expect, test } from 'vitest';

import { parseNsswitch } from '../../src/dns/nsswitch.ts';

test.each([
  ['', 'files dns'],
  ['passwd: files\n', 'files dns'],
  ['hosts: files dns', 'files dns'],
  ['hosts:\t dns files # first the network\n', 'dns files'],
  ['# hosts: dns\nhosts: files\n', 'files'],
  ['hosts: files mdns4_minimal [NOTFOUND=return] dns myhostname', 'files dns'],
  ['hosts: mymachines resolve [!UNAVAIL=return] files dns', 'files dns'],
  ['hosts: files [NOTFOUND=return] dns', 'files(no) dns'],
  ['hosts: files [notfound=RETURN] dns', 'files(no) dns'],
  ['hosts: dns [!UNAVAIL=return] files', 'dns(no, failure) files'],
  ['hosts: dns[!UNAVAIL=return]files', 'dns(no, failure) files'],
  ['hosts: dns [TRYAGAIN=return NOTFOUND=continue] files', 'dns(failure) files'],
  ['hosts: dns [!SUCCESS=return] [NOTFOUND=continue] files', 'dns(failure) files'],
  ['hosts: dns [SUCCESS=return] files', 'dns files'],
  ['hosts: mdns', ''],
])('parseNsswitch() reads %j as %j', (text, services) => {
  const read = parseNsswitch(text).map(({ service, endsOn }) => {
    const ends = [...(endsOn.notFound ? ['no'] : []), ...(endsOn.failure ? ['failure'] : [])];
    return ends.length === 0 ? service : `${service}(${ends.join(', ')})`;
  });
  expect(read.join(' ')).toBe(services);
});
