const [KB, MB, GB] = [1e3, 1e6, 1e9];

/** Bytes in few digits, as `12.3 MB`. */
export function bytes(value: number): string {
  const size = Math.abs(value);
  if (size >= GB) return `${(value / GB).toFixed(2)} GB`;
  if (size >= MB) return `${(value / MB).toFixed(1)} MB`;
  return `${(value / KB).toFixed(1)} kB`;
}

/** The value that so many parts of all are below; null of none. */
export function percentile(sorted: readonly number[], part: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? null;
}

/** Milliseconds in few digits. */
export function ms(value: number | null): string {
  if (value === null) return '–';
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}
