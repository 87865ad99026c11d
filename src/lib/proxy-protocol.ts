/** Which PROXY header a target is sent first: none, or one of version 1 or 2. */
export type ProxyProtocol = 'off' | 'v1' | 'v2';
