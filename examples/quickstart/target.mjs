import { createServer } from 'node:http';

createServer((_request, response) => response.end('hello from outside')).listen(80);
