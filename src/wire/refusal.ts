/** What a client can fall foul of. */
export const RULES = [
  'not in TARGET',
  'not in PORT',
  'not the CONNECT host',
  'not the name dialled',
  'no name',
  'several names',
  'malformed',
  'too long',
  'unsupported',
  'HTTP version',
  'encrypted name',
  'neither TLS nor HTTP',
  'HTTP/2',
  'no proxy request',
  'silent',
  'too many clients',
] as const;
export type Rule = (typeof RULES)[number];

/** No name is longer (RFC 1035 §2.3.4); what a client sends may be. */
const MAX_NAME_LENGTH = 255;
/** Of what follows a name in a message, enough to tell what is wrong with it. */
const MAX_TAIL_LENGTH = 100;

/**
 * A client that is not let through: the rule that says so, and the name it asked for, null where none could be read. Both the message and
 * the name are cut short where a client has sent more than a name.
 */
export class Refusal extends Error {
  readonly rule: Rule;
  readonly asked: string | null;

  constructor(rule: Rule, message: string, asked: string | null = null) {
    super(shortened(message, MAX_TAIL_LENGTH));
    this.name = 'Refusal';
    this.rule = rule;
    this.asked = asked === null ? null : shortened(asked, 0);
  }
}

function shortened(text: string, tail: number): string {
  if (text.length <= MAX_NAME_LENGTH + tail) return text;
  return `${text.slice(0, MAX_NAME_LENGTH)}...${text.slice(text.length - tail)}`;
}
