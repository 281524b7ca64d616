import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsOf } from '../../test/rig/heads.ts';
import { endToEnd } from './end-to-end.ts';

test('what is about one connection goes no further', () => {
  for (const name of [
    'Connection',
    'Keep-Alive',
    'Proxy-Authenticate',
    'Proxy-Authentication-Info',
    'Proxy-Authorization',
    'Proxy-Connection',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
  ])
    assert.deepEqual(endToEnd(fieldsOf(`${name}: x`, 'Kept: y')), fieldsOf('Kept: y'), name);
});

test('nor does what Connection names, in any case and over several lines', () => {
  const fields = fieldsOf('Connection: One, close', 'connection: TWO', 'one: 1', 'Two: 2', 'Three: 3');
  assert.deepEqual(endToEnd(fields), fieldsOf('Three: 3'));
});

test('Connection cannot take away what tells how a response may be reused', () => {
  const fields = fieldsOf('Cache-Control: private', 'Vary: Cookie', 'Age: 10', 'Expires: 0');
  const nominating = [...fields, ...fieldsOf('Connection: cache-control, vary, age, expires')];
  assert.deepEqual(endToEnd(nominating), fields);
});
