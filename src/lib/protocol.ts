/** What is relayed. */
export type Protocol = 'tcp' | 'udp';

/** What tells ports apart, whatever travels over them. */
export function portKey({ port, protocol }: { readonly port: number; readonly protocol: string }): string {
  return `${port}/${protocol}`;
}
