import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { parseConfig } from '../src/config/config.ts';

const REPOSITORY = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(REPOSITORY, path), 'utf8');

const pages = globSync('**/*.md', {
  cwd: REPOSITORY,
  exclude: (path) => ['node_modules', 'dist', '.git'].includes(path),
}).toSorted();
const docs = pages.filter((path) => path === 'README.md' || /^docs\/[^/]*$/.test(path));

/** A page without its fenced blocks, whose lines would pass for headings and links. */
const prose = (page: string) => page.replaceAll(/^```.*?^```$/gms, '');

/** A page's fenced blocks of a language. */
const fenced = (page: string, language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block = '']) => block);

/** The anchors of a page: GitHub's for headings, which numbers those that occur again, and explicit ones. */
function anchorsOf(page: string): ReadonlySet<string> {
  const anchors = new Set([...prose(page).matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id));
  for (const [, heading = ''] of prose(page).matchAll(/^#+ (.*)$/gm)) {
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = text.replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '').replaceAll(' ', '-');
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The links of a page to files of the repository: as written, the path from its root, and the anchor. */
function linksOf(path: string) {
  const links = [...prose(read(path)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [file = '', anchor = ''] = link.split('#');
      const to = file === '' ? path : relative('.', join(dirname(path), file));
      return { link, to, anchor };
    });
}

test('links and anchors of every Markdown file lead somewhere', () => {
  expect(pages).toContain('examples/quickstart/README.md');
  const broken = pages.flatMap((path) =>
    linksOf(path)
      .filter(({ to, anchor }) => {
        if (!existsSync(join(REPOSITORY, to))) return true;
        if (anchor === '') return false;
        return statSync(join(REPOSITORY, to)).isDirectory() || !anchorsOf(read(to)).has(anchor);
      })
      .map(({ link }) => `${path}: ${link}`),
  );
  expect(broken).toEqual([]);
});

test('pages that messages and comments name exist', () => {
  const sources = globSync('{src,healthcheck,test,.github}/**/*.{ts,md,yml}', { cwd: REPOSITORY });
  const named = sources.flatMap((path) => read(path).match(/(?<![\w/])docs\/[\w-]+\.md/g) ?? []);
  expect(named).toContain('docs/configuration.md');
  expect(named.filter((path) => !existsSync(join(REPOSITORY, path)))).toEqual([]);
});

test('docs/README.md links every page of docs/', () => {
  const linked = new Set(linksOf('docs/README.md').map(({ to }) => to));
  const others = docs.filter((path) => !['README.md', 'docs/README.md'].includes(path));
  expect(others).toContain('docs/configuration.md');
  expect(others.filter((path) => !linked.has(path))).toEqual([]);
});

test('the README takes two screens', () => {
  const readme = read('README.md');
  expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(130);
  expect(readme.split(/\s+/).length).toBeLessThanOrEqual(900);
});

test('the image has one name', () => {
  const NAME = /(?<=image: "?|docker (?:build -t|run --rm(?: --env-file \S+)?) )[\w./-]*sallyport/g;
  const names = docs.flatMap((path) => read(path).match(NAME) ?? []);
  expect(names.length).toBeGreaterThan(5);
  expect([...new Set(names)]).toEqual(['ghcr.io/sallyport/sallyport']);
});

describe('snippets', () => {
  const all = (language: string) =>
    docs.flatMap((path) => fenced(read(path), language).map((text) => ({ path, text })));

  interface Service {
    readonly image?: string;
    readonly environment?: Readonly<Record<string, unknown>>;
  }

  test('JSON parses', () => {
    const snippets = all('json');
    expect(snippets).not.toEqual([]);
    for (const { text } of snippets) JSON.parse(text);
  });

  test('the door of every Compose file starts, without a warning that its page does not tell', () => {
    const doors = all('yaml').flatMap(({ path, text }) =>
      Object.values((parse(text) as { readonly services: Readonly<Record<string, Service>> }).services)
        .filter(({ image = '' }) => /sallyport|tecnativa\/whitelist/.test(image))
        .map(({ environment = {} }) => ({ path, environment })),
    );
    expect(doors.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['README.md', 'docs/moving.md', 'docs/names.md']),
    );
    const warnings = doors.flatMap(({ path, environment }) => {
      const variables = Object.entries(environment).map(([name, value]) => [name, String(value)]);
      return parseConfig(Object.fromEntries(variables)).warnings.map((warning) => ({ path, warning }));
    });
    // Which that page says.
    expect(warnings).toEqual([{ path: 'docs/names.md', warning: expect.stringContaining('(PostgreSQL)') }]);
  });
});

describe('docs/troubleshooting.md', () => {
  /** What clients, the kernel, engines and TLS say: no text of ours. */
  const OTHERS = new Set([
    'wrong version number',
    'first record does not look like a TLS handshake',
    'invalid version in initial SOCKS5 response',
    'EADDRNOTAVAIL',
    'EACCES',
    'EADDRINUSE',
    'sysctl net.ipv4.ip_forward is not allowed',
    'SysctlForbidden',
    'unable to verify the first certificate',
    'self-signed certificate',
    'docker stop',
    'Restarting (78)',
    'is restarting, wait until the container is running',
    'unrecognized name',
    'Could not resolve host',
    'Resolving timed out',
    'ENOTFOUND',
    'EAI_AGAIN',
  ]);
  const PROGRAMS = /^(?:sallyport )?(?:status|check)$/;
  const source = globSync('{src,healthcheck}/**/*.ts', { cwd: REPOSITORY }).map(read).join('\n');
  /** Without the values that are put into a text. */
  const texts = source.replaceAll(/\$\{[^}]*\}/g, '…');
  const headings = [...read('docs/troubleshooting.md').matchAll(/^## (.*)$/gm)].map(([, text = '']) => text);
  const quoted = headings.flatMap((heading) =>
    [...heading.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text),
  );

  test('lists each symptom, with an anchor of its own', () => {
    const page = read('docs/troubleshooting.md');
    const listed = [...page.matchAll(/^- \[(.*)\]\(#([\w-]+)\)$/gm)].map(([, text, id]) => ({ text, id }));
    const headed = [...page.matchAll(/^<a id="([^"]+)"><\/a>\n\n## (.*)$/gm)].map(([, id, text]) => ({
      text,
      id,
    }));
    expect(headed).toHaveLength(headings.length);
    expect(new Set(headed.map(({ id }) => id)).size).toBe(headings.length);
    expect(listed).toEqual(headed);
  });

  test.each(quoted.filter((text) => !OTHERS.has(text) && !PROGRAMS.test(text)))(
    'quotes what the code says: %s',
    (text) => {
      const ours = text
        .replaceAll(/=.*$/g, '')
        .replaceAll(/\d+/g, '…')
        .split(/…|\(EHOSTUNREACH\)/)
        .map((part) => part.trim())
        .filter((part) => part.length > 1);
      expect(ours).not.toEqual([]);
      // Not `toContain`, whose failure prints the whole program.
      expect(ours.filter((part) => !texts.includes(part))).toEqual([]);
    },
  );
});

describe('docs/reliability.md', () => {
  const rows = [...read('docs/reliability.md').matchAll(/^\| (.*) \| `([\w/-]+)`: (.*) \|$/gm)];

  test('has a test for each promise', () => {
    expect(rows.length).toBeGreaterThan(35);
    const sections = read('docs/reliability.md').split('## How far')[0] ?? '';
    expect(sections.match(/^\| (?!promise|---).*$/gm)).toHaveLength(rows.length);
  });

  test.each(rows.map(([, promise = '', file = '', title = '']) => ({ promise, file, title })))(
    '"$promise": $file has such a test',
    ({ file, title }) => {
      expect(read(`test/${file}.test.ts`).includes(title)).toBe(true);
    },
  );
});

test('the tests that SECURITY.md names exist', () => {
  const rows = read('SECURITY.md').match(/^\| .* \|$/gm) ?? [];
  const named = rows.flatMap((row) => [...(row.split(' | ').at(-1) ?? '').matchAll(/`([\w/-]+)`/g)]);
  const files = named.map(([, path = '']) => `test/${path}.test.ts`);
  expect(files.length).toBeGreaterThan(20);
  expect(files.filter((path) => !existsSync(join(REPOSITORY, path)))).toEqual([]);
});

test('CONTRIBUTING names the packages that .ci/packages installs for tests', () => {
  const script = read('.ci/packages');
  const installed = [...script.matchAll(/^packages\+=\((.*)\)$/gm)].flatMap(([, list = '']) =>
    list.split(' '),
  );
  const [, section = ''] = /## Tests\n\n(.*?)\n\n/s.exec(read('CONTRIBUTING.md')) ?? [];
  const code = [...section.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
  const named = code.filter((text) => !['npm test', '.ci/run'].includes(text));
  expect(installed.length).toBeGreaterThan(10);
  expect(named.toSorted()).toEqual(installed.toSorted());
});
