import type { Composed } from './docker-compose.ts';

/** Has an example's app log to logs.example.com over UDP, another message each time, and tells what the log server has said so far: a datagram may be lost. */
export function syslogTo(example: Composed, server: string): () => Promise<string> {
  let sent = 0;
  return async () => {
    const message = `message ${++sent} from inside`;
    await example.exec('app', 'logger', '--server', 'logs.example.com', '--port', '514', '--udp', message);
    return example.logs(server);
  };
}
