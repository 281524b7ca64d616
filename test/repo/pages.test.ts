import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';

const REPOSITORY = join(import.meta.dirname, '../..');
const PAGES = globSync(['*.md', 'docs/**/*.md', 'bench/**/*.md', 'examples/*/README.md'], {
  cwd: REPOSITORY,
});

describe('the pages', () => {
  for (const page of PAGES)
    test(`${page} links to files that are there`, () => {
      const missing = linksIn(read(page)).filter(
        (link) => !existsSync(join(REPOSITORY, dirname(page), link.replace(/#.*$/, ''))),
      );
      assert.deepEqual(missing, []);
    });

  test('every test named beside a fault or an attack is there', () => {
    const named = rowsOf(read('docs/faults.md')).flatMap((row) =>
      [...(row.at(-1) ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''),
    );
    assert.ok(named.length > 10);
    const missing = named.filter((name) => testsNamed(name).length === 0);
    assert.deepEqual([...new Set(missing)], []);
  });

  test('every command of package.json has one word', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    assert.deepEqual(
      Object.keys(scripts).filter((name) => !/^[a-z]+$/.test(name)),
      [],
    );
  });
});

function read(path: string): string {
  return readFileSync(join(REPOSITORY, path), 'utf8');
}

/** Relative targets of Markdown links, outside of code. */
function linksIn(markdown: string): string[] {
  const prose = markdown.replaceAll(/^```.*?^```/gms, '').replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target ?? '')
    .filter((target) => !/^(?:[a-z]+:|#)/.test(target));
}

/** The cells of every row of the page's tables, heads left out. */
function rowsOf(markdown: string): string[][] {
  return [...markdown.matchAll(/^\| ?([A-Z]\d+) \|(.*)\|$/gm)].map(([, id = '', rest = '']) => [
    id,
    ...rest.split('|').map((cell) => cell.trim()),
  ]);
}

/** `e2e/run` is a file of `test/`, `runner/archiver` a folder of `src/`. */
function testsNamed(name: string): string[] {
  return globSync(
    [`test/${name}.test.ts`, `test/${name}.ts`, `src/${name}/**/*.test.ts`, `src/${name}.test.ts`],
    { cwd: REPOSITORY },
  );
}
