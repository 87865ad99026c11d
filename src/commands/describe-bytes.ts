const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** A number of bytes, such as `1.5 MB`: three digits at most, and a unit of 1,000 of the smaller one. */
export function describeBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${Number(value.toPrecision(3))} ${UNITS[unit]}`;
}
