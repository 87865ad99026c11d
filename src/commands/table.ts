import { alignColumns } from '../lib/align-columns.ts';

/** A table's columns by their headings: what each says of a row, null for nothing. */
export type Columns<Row> = Readonly<Record<string, (row: Row) => string | number | null>>;

/** A table in lines, headings first; none where there are no rows. */
export function table<Row>(columns: Columns<Row>, rows: readonly Row[]): readonly string[] {
  if (rows.length === 0) return [];
  const cells = Object.values(columns);
  return alignColumns([
    Object.keys(columns),
    ...rows.map((row) => cells.map((cell) => String(cell(row) ?? '-'))),
  ]);
}
