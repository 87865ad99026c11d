import { faultOf } from './http-compare.ts';
import { byConnection, flights, passOn, type Passed, type PassedRequest } from './http-passed.ts';
import { nodeParser } from './node-parser.ts';

const PARSERS = Object.entries({ strict: nodeParser({ isLax: false }), lax: nodeParser({ isLax: true }) });

/** How many streams the reader has taken and refused, and how many requests were made, compared with Node and read by it. */
export interface Counts {
  streams: number;
  accepted: number;
  refused: number;
  made: number;
  compared: number;
  read: number;
}

export const noCounts = (): Counts => ({
  streams: 0,
  accepted: 0,
  refused: 0,
  made: 0,
  compared: 0,
  read: 0,
});

/** Has Node read what the reader takes of a stream. Throws where it reads something else. */
export function compareRequests(
  { asProxy }: { readonly asProxy: boolean },
  { requests, tunnelAt, refusal }: Passed,
  counts: Counts,
): void {
  counts.streams++;
  if (refusal !== null) counts.refused++;
  else if (requests.length > 0 || tunnelAt !== null) counts.accepted++;

  // As they came, which is for no proxy's target; and as they leave, where that is not the same.
  const isEdited = requests.some(({ head, sent }) => head !== sent);
  const forms = [...(asProxy ? [] : (['head'] as const)), ...(isEdited ? (['sent'] as const) : [])];
  for (const form of forms) {
    const connections = byConnection(requests, ({ method, hasContent }) =>
      // Behind CONNECT, Node reads no more requests.
      form === 'head' ? method === 'CONNECT' : hasContent || method === 'CONNECT',
    );
    for (const connection of connections) {
      const pieces = flights(connection, form);
      if (form === 'sent') expectReadAgain(connection, pieces);
      for (const [name, parse] of PARSERS) {
        const reading = parse(pieces);
        counts.compared += connection.length;
        counts.read += reading.requests.length;
        const fault = faultOf(connection, reading, form);
        if (fault !== null) throw new Error(`Node's ${name} parser, of ${JSON.stringify(pieces)}: ${fault}`);
      }
    }
  }
}

/** Edited requests must be what the reader takes for the same ones. */
function expectReadAgain(connection: readonly PassedRequest[], pieces: readonly string[]): void {
  const gistOf = ({ method, host, content, isWhole }: PassedRequest) => [method, host, content, isWhole];
  const { requests } = passOn([Buffer.from(pieces.join(''), 'latin1')], { asProxy: false });
  // It is not read to the end where the client did not come to it, or was refused.
  const isCut = connection.at(-1)?.isWhole === false;
  const [read, sent] = [requests, connection].map((all) =>
    JSON.stringify((isCut ? all.slice(0, -1) : all).map(gistOf)),
  );
  if (read !== sent) throw new Error(`of ${JSON.stringify(pieces)} the reader itself reads ${read}`);
}

/** What must be the same however a stream is cut: all but how much is passed on of content that is refused in the end. */
export function gistOfRequests({ requests, tunnelAt, refusal }: Passed): string {
  const whole = requests.map((request) => (request.isWhole ? request : { ...request, content: '' }));
  return JSON.stringify({ whole, tunnelAt, isRefused: refusal !== null });
}
