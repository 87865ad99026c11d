/** A request for whom nobody is allowed to ask, to be hidden where it may be read. */
export const HIDDEN = 'GET /smuggled HTTP/1.1\r\nHost: bad.test\r\n\r\n';
