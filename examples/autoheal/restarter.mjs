// Restarts the containers of its own compose project that are labelled autoheal=true and unhealthy.
import { request } from 'node:http';
import { hostname } from 'node:os';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

const PROJECT = 'com.docker.compose.project';

/** Asks the engine; gives back what it answers, parsed. */
function engine(method, path) {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: '/var/run/docker.sock', method, path }, async (response) => {
      const answer = await text(response);
      if (response.statusCode >= 400)
        reject(new Error(`${method} ${path}: ${response.statusCode} ${answer}`));
      else resolve(answer === '' ? undefined : JSON.parse(answer));
    });
    asked.on('error', reject).end();
  });
}

const { Config } = await engine('GET', `/containers/${hostname()}/json`);
const label = ['autoheal=true', `${PROJECT}=${Config.Labels[PROJECT]}`];
const filters = encodeURIComponent(JSON.stringify({ health: ['unhealthy'], label }));

for (;;) {
  for (const { Id, Names } of await engine('GET', `/containers/json?filters=${filters}`)) {
    console.log(`restarting ${Names[0]}`);
    await engine('POST', `/containers/${Id}/restart?t=1`);
  }
  await sleep(1000);
}
