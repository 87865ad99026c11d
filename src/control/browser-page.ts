import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import type { Page } from './admin.ts';

/**
 * The page for people, out of its file: read whenever it is asked for, and not kept. It may run its own script
 * and style, known by their hashes (CSP Level 3 §2.3.1), ask its own origin, and nothing else.
 */
export async function readBrowserPage(file: string): Promise<Page> {
  const text = await readFile(file, 'utf8');
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(text, 'script')}`,
    `style-src ${hashOf(text, 'style')}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    status: 200,
    type: 'text/html; charset=utf-8',
    text,
    fields: { 'content-security-policy': policy.join('; '), 'referrer-policy': 'no-referrer' },
  };
}

/** Of what stands between the element's tags, as a CSP names it. */
function hashOf(html: string, element: 'script' | 'style'): string {
  const [, content = ''] = new RegExp(`<${element}>(.*?)</${element}>`, 's').exec(html) ?? [];
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
}
