/** Exit codes of curl for a name without an answer. What has no way out is refused or lost, depending on the engine. */
export const notResolved = [6, 28];

/** Exit codes of curl for an address that cannot be reached. */
export const notConnected = [7, 28];
