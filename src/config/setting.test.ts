import assert from 'node:assert/strict';
import { test } from 'node:test';
import { text } from './kinds.ts';
import { envName, flagName, joinSettings } from './setting.ts';

test('the names of a setting in environment and flags follow from its key', () => {
  const named = (key: string): string[] => {
    const setting = { key, kind: text(), doc: 'A setting.' };
    return [envName(setting), flagName(setting)];
  };
  assert.deepEqual(named('port'), ['VC_PORT', '--port']);
  assert.deepEqual(named('s3.path_style'), ['VC_S3_PATH_STYLE', '--s3-path-style']);
});

test('settings of two folders that have one name are not joined: one would hide the other', () => {
  const port = { key: 'port', kind: text(), doc: 'A setting.' };
  const other = { key: 'other.port', kind: text(), doc: 'Another.' };
  assert.deepEqual(joinSettings({ port }, { other }), { port, other });
  assert.throws(() => joinSettings({ port }, { port: other }), /two settings are called port/);
});
