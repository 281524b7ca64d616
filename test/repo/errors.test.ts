import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ERRORS } from '../../src/base/errors.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const TABLE = 'src/base/errors.ts';

describe('every error code', () => {
  const sources = globSync('src/**/*.ts', { cwd: REPOSITORY })
    .filter((file) => !file.endsWith('.test.ts') && file !== TABLE)
    .map((file) => readFileSync(join(REPOSITORY, file), 'utf8'));

  for (const code of Object.keys(ERRORS))
    test(`${code} is used outside of its table`, () => {
      assert.ok(sources.some((text) => text.includes(`'${code}'`)));
    });
});
