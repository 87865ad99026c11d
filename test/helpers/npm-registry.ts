import { json } from 'node:stream/consumers';

import { httpServer } from './http-server.ts';

/** What is sent to publish a version, and what is kept of it. */
interface Listing {
  readonly name: string;
  readonly versions: object;
  readonly 'dist-tags': object;
  readonly _attachments?: Readonly<Record<string, { readonly data: string }>>;
}

/** An npm registry on loopback that takes packages of one version each; ended with the test. */
export function startNpmRegistry(): Promise<number> {
  const listings = new Map<string, Listing>();
  return httpServer((server) =>
    server.on('request', (request, response) => {
      void (async () => {
        const [, name = '', , file] = (request.url ?? '').split('/');
        if (request.method === 'PUT') listings.set(name, (await json(request)) as Listing);
        else request.resume();
        const { _attachments: attachments, ...listing } = listings.get(name) ?? {};
        const tarball = attachments?.[file ?? '']?.data;
        if (request.method === 'PUT') response.writeHead(201).end('{}');
        else if (listings.get(name) === undefined) response.writeHead(404).end('{}');
        else if (file === undefined) response.end(JSON.stringify(listing));
        else response.end(Buffer.from(tarball ?? '', 'base64'));
      })();
    }),
  );
}
