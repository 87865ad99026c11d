import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startDaemon } from './daemon.ts';
import { temporaryDirectory } from './program.ts';
import { closedPort } from './sockets.ts';

/** A series, and its value as Prometheus writes it. */
interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: string;
}

/** Prometheus, which scrapes a port of 127.0.0.1 each second as the job `sallyport`, and goes by these files of rules; ended with the test. */
export async function startPrometheus(port: number, rules: readonly string[] = []) {
  const directory = temporaryDirectory();
  const web = await closedPort();
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: rules,
    scrape_configs: [{ job_name: 'sallyport', static_configs: [{ targets: [`127.0.0.1:${port}`] }] }],
  };
  // JSON is YAML.
  writeFileSync(join(directory, 'prometheus.yml'), JSON.stringify(config));
  await startDaemon(
    '/usr/bin/prometheus',
    [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${web}`,
    ],
    { ready: 'Server is ready to receive web requests' },
  );
  return {
    /** What a query returns now; rejects with what Prometheus has against it. */
    query: async (asked: string): Promise<readonly Sample[]> => {
      const response = await fetch(`http://127.0.0.1:${web}/api/v1/query?query=${encodeURIComponent(asked)}`);
      const { data, error } = (await response.json()) as {
        data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
        error?: string;
      };
      if (data === undefined) throw new Error(`${asked}: ${error}`);
      return data.result.map(({ metric, value: [, value] }) => ({ labels: metric, value }));
    },
  };
}
