/** Which addresses a name may lead to: `private` and public ones, only what is globally routable, or any. */
export const SCOPES = ['private', 'public', 'any'] as const;
export type Scope = (typeof SCOPES)[number];
