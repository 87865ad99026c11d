/** The first member of the field, where it is the relay's: an item with parameters (RFC 9651 §3.3). */
const OWN_MEMBER = /^sallyport(?<parameters>(?:;(?:"(?:\\.|[^"\\])*"|[^",;])*)*)/;
const PARAMETER = /; *(?<key>[a-z0-9_.*-]+)(?:=(?<value>"(?:\\.|[^"\\])*"|[^;]*))?/g;

/** Why the relay itself has answered, as it says in Proxy-Status (RFC 9209); null when the answer is the target's. */
export function readProxyStatus(field: string): string | null {
  const { parameters = '' } = OWN_MEMBER.exec(field)?.groups ?? {};
  const values = new Map(
    [...parameters.matchAll(PARAMETER)].map(({ groups }) => [groups?.['key'], groups?.['value']]),
  );
  const error = values.get('error');
  if (error === undefined) return null;
  return (values.get('details') ?? error).replaceAll(/^"|"$|\\(.)/g, '$1').trim();
}
