import { queryObjects } from 'node:v8';

/** How many objects there are in this thread, functions and promises among them, when all that nobody can reach is gone. */
export function countObjects(): number {
  return queryObjects(Object, { format: 'count' });
}
