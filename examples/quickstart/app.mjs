import { setTimeout as sleep } from 'node:timers/promises';

async function call(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(3000) });
    return `${response.status} ${await response.text()}`;
  } catch {
    return 'no way there';
  }
}

for (;;) {
  for (const url of ['http://api.example.com/', 'http://example.org/']) {
    console.log(`${url}: ${await call(url)}`);
  }
  await sleep(3000);
}
