import { readFileSync } from 'node:fs';

/** A request as a server has logged it, all texts as latin1. */
export interface LoggedRequest {
  /** The address that it came from. */
  readonly from: string;
  readonly status: number;
  readonly line: string;
  /** What the server takes for Host, null for none. */
  readonly host: string | null;
  /** null where the server leaves it unread, or does not log it. */
  readonly content: string | null;
}

/** A real server that logs what it reads. */
export interface ReadingServer {
  readonly name: string;
  /** Where it listens on 127.0.0.1. */
  readonly port: number;
  readonly readsContent: boolean;
  /** By address of the client, all that has been logged, in order. */
  readonly read: () => ReadonlyMap<string, readonly LoggedRequest[]>;
}

/** Reads a log with one request in each line. */
export function readLog(
  file: string,
  parse: (line: string) => LoggedRequest,
): ReadonlyMap<string, readonly LoggedRequest[]> {
  const lines = readFileSync(file, 'latin1').split('\n').filter(Boolean);
  return Map.groupBy(lines.map(parse), ({ from }) => from);
}
