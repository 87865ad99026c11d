/**
 * Where and how a nameserver is asked, or the container's own resolver (`system`). `text` is how it was written, for
 * messages. The certificate is verified against `name`, or against the address where that is null.
 */
export type NameserverAddress = { readonly text: string } & (
  | { readonly protocol: 'system' }
  | { readonly protocol: 'udp' | 'tcp'; readonly address: string; readonly port: number }
  | {
      readonly protocol: 'tls';
      readonly address: string;
      readonly port: number;
      readonly name: string | null;
    }
  | {
      readonly protocol: 'https';
      readonly address: string;
      readonly port: number;
      readonly path: string;
      readonly name: string | null;
    }
);
