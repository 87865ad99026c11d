/** Runs tasks in the order in which they come, so many at a time. */
export function inTurn(size: number): (task: () => Promise<unknown>) => void {
  const waiting: (() => Promise<unknown>)[] = [];
  let running = 0;

  function next(): void {
    const task = running < size ? waiting.shift() : undefined;
    if (task === undefined) return;
    running++;
    const end = () => {
      running--;
      next();
    };
    task().then(end, end);
  }

  return (task) => {
    waiting.push(task);
    next();
  };
}
