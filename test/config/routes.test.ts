import { expect, test } from 'vitest';

import { parseConfig } from '../../src/config/config.ts';
import { describeRoutes } from '../../src/config/routes.ts';

test.each<[Record<string, string>, readonly string[]]>([
  [{ TARGET: 'app', PORT: '8080:80' }, ['8080→app:80']],
  [{ TARGET: 'app' }, ['80→app:80', '443→app:443']],
  [{ TARGET: 'app', PORT: '5000-5010 53:5353', MODE: 'udp' }, ['5000-5010→app:5000-5010', '53→app:5353']],
  [{ TARGET: '2001:db8::1', PORT: '443' }, ['443→[2001:db8::1]:443']],
  [
    { TARGET: 'a.test *.b.test', PORT: '443 8443:443' },
    ['443→a.test:443', '8443→a.test:443', '443→*.b.test:443', '8443→*.b.test:443'],
  ],
  [
    { TARGET: 'a.test', MODE: 'http-proxy', PORT: '443 8000-8002' },
    ['3128→a.test:443', '3128→a.test:8000-8002'],
  ],
  [
    { TARGET: 'a.test db.test:5432 logs.test:514/udp', MODE: 'tcp http-proxy', PORT: '443' },
    ['443→a.test:443', '3128→a.test:443', '5432→db.test:5432', '3128→db.test:5432', '514/udp→logs.test:514'],
  ],
  [
    { TARGET: 'app', PORT: '1 3 5 7 9 11 13 15 17 19' },
    [...[1, 3, 5, 7, 9, 11, 13, 15].map((port) => `${port}→app:${port}`), 'and 2 more'],
  ],
])('describeRoutes() says where %j leads', (environment, routes) => {
  expect(describeRoutes(parseConfig(environment))).toEqual(routes);
});
