/** Whether a target, which may be a wildcard, means a name: compared label by label from the right. */
export function isMeantBy(target: string, name: string): boolean {
  const labelsOf = (text: string) => {
    const labels = text.split('.');
    return (labels.at(-1) === '' ? labels.slice(0, -1) : labels).toReversed();
  };
  const [wanted, given] = [labelsOf(target), labelsOf(name)];
  const isWild = wanted.at(-1) === '*';
  const fixed = isWild ? wanted.slice(0, -1) : wanted;
  const fold = (label = '') => label.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  const isLabel = (label: string) => /^[A-Za-z0-9_-]{1,63}$/.test(label);
  return (
    given.every(isLabel) &&
    given.length > 0 &&
    given.join('.').length < 254 &&
    (isWild ? given.length > fixed.length : given.length === fixed.length) &&
    fixed.every((label, i) => fold(label) === fold(given[i]))
  );
}
