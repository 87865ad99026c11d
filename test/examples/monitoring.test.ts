import { join } from 'node:path';

import { Ajv, type SchemaObject } from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';
import { expect, test } from 'vitest';

import { dashboard, queries } from '../helpers/monitoring-example.ts';
import { repository } from '../helpers/run.ts';

const GRAFANA = join(repository, 'node_modules/@grafana/schema/dist/types/raw');
const ajv = new Ajv({ allErrors: true, strict: false });

/** Finds what one of Grafana's own types has against values. */
function judgeBy(file: string, type: string): (value: unknown) => readonly string[] {
  const generator = createGenerator({
    path: join(GRAFANA, file, 'x/types.gen.d.ts'),
    tsconfig: join(repository, 'tsconfig.json'),
    additionalProperties: false,
    topRef: false,
    skipTypeCheck: true,
  });
  const judge = ajv.compile(generator.createSchema(type) as SchemaObject);
  return (value) => {
    judge(value);
    return (judge.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };
}

test('the dashboard is as Grafana’s schema says', () => {
  const faultsOf = judgeBy('dashboard', 'Dashboard');
  expect(faultsOf(dashboard)).toEqual([]);
  expect(faultsOf({ ...dashboard, surprise: 1 })).not.toEqual([]);
});

test.each(['stat', 'table', 'timeseries'])('Grafana’s schema knows the options of panels: %s', (kind) => {
  const faultsOf = judgeBy(`composable/${kind}/panelcfg`, 'Options');
  const options = dashboard.panels.filter(({ type }) => type === kind).map((panel) => panel.options);
  expect(options).not.toEqual([]);
  expect(options.flatMap(faultsOf)).toEqual([]);
});

test('the panels fill rows of 24 columns, each in a place of its own', () => {
  const kinds = new Set(dashboard.panels.map(({ type }) => type));
  expect([...kinds].toSorted()).toEqual(['stat', 'table', 'timeseries']);
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } = { x: 0, y: 0, w: 0, h: 0 } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  const rows = Math.max(...cells.map((cell) => Number(cell.split(',')[1]))) + 1;
  expect(cells).toHaveLength(24 * rows);
});

test('each panel asks Prometheus, about the doors that are chosen', () => {
  const titles = new Set(queries.map(({ title }) => title));
  expect(titles.size).toBe(dashboard.panels.length);
  expect(queries.filter(({ expr }) => !expr.includes('instance=~"$instance"'))).toEqual([]);
});
