import { type Trick, TRICKS } from '../smuggling.ts';
import { HIDDEN } from './hidden.ts';

/** Whom a client talks to. */
export interface Options {
  readonly asProxy: boolean;
  /** The port of api.test. */
  readonly port: number;
}

/** All tricks, as a client plays them on one that checks names. */
export function trickTexts({ asProxy, port }: Options): readonly string[] {
  const lineOf = (method: string, host: string, path: string) =>
    asProxy
      ? `${method} http://${host}:${port}${path} HTTP/1.1\r\nHost: ${host}:${port}\r\n`
      : `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n`;
  const textOf = (trick: Trick) =>
    trick({
      seen: '/seen',
      smuggled: '/smuggled',
      port,
      api: (method = 'GET') => lineOf(method, 'api.test', '/seen'),
      bad: `${lineOf('GET', 'bad.test', '/smuggled')}\r\n`,
      hidden: HIDDEN,
    });
  return TRICKS.map(([, trick]) => textOf(trick));
}
