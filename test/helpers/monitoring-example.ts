import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Dashboard, Panel } from '@grafana/schema';
import { parse } from 'yaml';

import { repository } from './run.ts';

/** What is in examples/monitoring. */
export const DIRECTORY = join(repository, 'examples/monitoring');
const read = (name: string) => readFileSync(join(DIRECTORY, name), 'utf8');

/** A rule of alerts.yml. */
interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Rules {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

/** A target of a panel that asks Prometheus. */
interface Query {
  readonly expr: string;
  readonly legendFormat: string;
}

export const dashboard = JSON.parse(read('dashboard.json')) as Omit<Dashboard, 'panels'> & {
  readonly panels: readonly Panel[];
};
export const alerts = parse(read('alerts.yml')) as Rules;
export const rules = alerts.groups.flatMap((group) => group.rules);
const tests = parse(read('alerts.test.yml')) as {
  readonly tests: readonly { readonly input_series: readonly { readonly series: string }[] }[];
};

/** Series of the unit tests of the rules. */
export const inputSeries = tests.tests.flatMap(({ input_series: all }) => all.map(({ series }) => series));

/** What the panels ask, with their titles. */
export const queries = dashboard.panels.flatMap(({ title = '', targets = [] }) =>
  (targets as unknown as Query[]).map((query) => ({ title, ...query })),
);

/** A query of a panel as Grafana sends it, over all doors. */
export function filledIn(expr: string): string {
  return expr.replaceAll('$instance', '.+').replaceAll('$__rate_interval', '1m');
}

/** A metric with conditions on its labels. */
interface Selector {
  readonly metric: string;
  readonly labels: readonly { readonly name: string; readonly operator: string; readonly value: string }[];
}

/** The selectors of an expression in PromQL. */
export function selectorsOf(expr: string): readonly Selector[] {
  const selectors = expr.matchAll(/\b(sallyport_\w+|process_\w+|up|ALERTS)\b(?:\{([^}]*)\})?/g);
  return [...selectors].map(([, metric = '', conditions = '']) => ({
    metric,
    labels: [...conditions.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(
      ([, name = '', operator = '', value = '']) => ({ name, operator, value }),
    ),
  }));
}

/** The labels that an expression groups or matches by. */
export function groupingOf(expr: string): readonly string[] {
  return [...expr.matchAll(/\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((name) => name.trim()),
  );
}
