import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from 'undici';

interface Listed {
  Id: string;
  Names: string[];
}

const filters = (label: string) =>
  encodeURIComponent(JSON.stringify({ health: ['unhealthy'], label: [label] }));

/**
 * Does what docker-autoheal does, by the same two calls of the Docker API: restarts each container with the label
 * that is unhealthy. Runs until `signal` aborts; the caller learns of each restart through `restarted`.
 */
export async function restartUnhealthy(
  label: string,
  { signal, restarted }: { signal: AbortSignal; restarted: (id: string) => void },
): Promise<void> {
  const socketPath = process.env['DOCKER_HOST']?.replace('unix://', '') ?? '/var/run/docker.sock';
  const engine = new Client('http://engine', { socketPath });
  try {
    while (!signal.aborted) {
      const { body } = await engine.request({
        method: 'GET',
        path: `/containers/json?filters=${filters(label)}`,
      });
      for (const { Id } of (await body.json()) as Listed[]) {
        const { statusCode } = await engine.request({
          method: 'POST',
          path: `/containers/${Id}/restart?t=1`,
        });
        if (statusCode !== 204) throw new Error(`the engine answered ${statusCode} to a restart`);
        restarted(Id);
      }
      await sleep(200);
    }
  } finally {
    await engine.close();
  }
}
