import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A copy of the Node that runs this, for the relay alone: the pages of one file are shared by all that run it, and the relay's memory would seem
 * smaller the more clients are written in Node. Removed with the stack.
 */
export function copyOfNode(stack: DisposableStack): string {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-bench-node-'));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const node = join(directory, 'node');
  copyFileSync(process.execPath, node);
  return node;
}
