/** What is relayed. */
export type Protocol = 'tcp' | 'udp';
