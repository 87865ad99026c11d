/** What a client can fall foul of. */
export type Rule =
  | 'not in TARGET'
  | 'not in PORT'
  | 'not the CONNECT host'
  | 'no name'
  | 'several names'
  | 'malformed'
  | 'too long'
  | 'unsupported'
  | 'encrypted name'
  | 'neither TLS nor HTTP'
  | 'HTTP/2'
  | 'no proxy request'
  | 'silent';

/** A client that is not let through: the rule that says so, and the name it asked for, null where none could be read. */
export class Refusal extends Error {
  readonly rule: Rule;
  readonly asked: string | null;

  constructor(rule: Rule, message: string, asked: string | null = null) {
    super(message);
    this.name = 'Refusal';
    this.rule = rule;
    this.asked = asked;
  }
}
