import assert from 'node:assert/strict';
import { test } from 'node:test';
import { text } from './kinds.ts';
import { envName, flagName } from './setting.ts';

test('the names of a setting in environment and flags follow from its key', () => {
  const named = (key: string): string[] => {
    const setting = { key, kind: text(), doc: 'A setting.' };
    return [envName(setting), flagName(setting)];
  };
  assert.deepEqual(named('port'), ['VC_PORT', '--port']);
  assert.deepEqual(named('s3.path_style'), ['VC_S3_PATH_STYLE', '--s3-path-style']);
});
