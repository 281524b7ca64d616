import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withSectionAliases } from './section-alias.ts';
import { parseYaml, type YamlFile } from './yaml-file.ts';

const ALIASES = { theirs: 'ours' };

function fileOf(text: string): YamlFile {
  const file = parseYaml('a.yml', text, {});
  assert.ok(file.ok);
  return file.value;
}

test('a section by another name is read by ours, and its mistakes are shown where they are', () => {
  const renamed = withSectionAliases(fileOf('other: 1\ntheirs:\n  port: x\n'), ALIASES);
  assert.ok(renamed.ok);
  const { value } = renamed;
  assert.deepEqual(value.data, { other: 1, ours: { port: 'x' } });
  const { line, column } = value.positionOf(['ours', 'port'], 'value');
  assert.deepEqual([line, column], [3, 9]);
  assert.equal(value.writtenAt(['ours', 'port']), 'x');
  assert.equal(value.positionOf(['other'], 'key').line, 1);
});

test('a section by both names is a mistake', () => {
  const both = withSectionAliases(fileOf('ours: {}\ntheirs: {}\n'), ALIASES);
  assert.ok(!both.ok);
  assert.match(both.mistakes[0]?.message ?? '', /"theirs" is another name for "ours"/);
});

test('a file without one is as it was', () => {
  for (const text of ['', 'ours: {}', '- theirs']) {
    const file = fileOf(text);
    assert.deepEqual(withSectionAliases(file, ALIASES), { ok: true, value: file });
  }
});
