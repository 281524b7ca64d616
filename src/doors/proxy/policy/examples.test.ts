import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { compileAssemblyScript, compileWat } from '../../../../test/rig/compile-policy.ts';
import { openGuest } from '../../../../test/rig/policy-guest.ts';
import { readDecision } from './json/read-decision.ts';
import { writeQuestion } from './json/write-question.ts';
import type { PolicyDecisions, PolicyHook } from './policy.ts';
import type { AnyQuestion } from './try-policy.ts';

const NO_EDITS = { set: [], remove: [] };
const response = { status: 200, fields: ['Content-Type', 'text/html'] };

/** Asks an example. @param given what of the request is of interest */
async function opened(module: Uint8Array) {
  const { guest } = await openGuest(module);
  return <H extends PolicyHook>(
    hook: H,
    given: Partial<AnyQuestion['request']>,
    more: Partial<AnyQuestion> = {},
  ): PolicyDecisions[H] => {
    const request = { method: 'GET', host: 'h', url: '/', fields: [], client: '::1', ...given };
    return readDecision(
      hook,
      guest.call(hook, writeQuestion(hook, { request, response, age: 0, ttl: 5, hit: true, ...more })),
    );
  };
}

test('static files are asked for without cookies and tracking, and kept for a day', async () => {
  const ask = await opened(await compileAssemblyScript('examples/policies/static-files.ts'));
  assert.deepEqual(ask('vcl_recv', { url: '/a.css?v=1&utm_source=mail' }), {
    action: 'hash',
    url: '/a.css?v=1',
    edits: { set: [], remove: ['cookie'] },
  });
  assert.deepEqual(ask('vcl_recv', { url: '/page?gclid=5' }), {
    action: 'hash',
    url: '/page',
    edits: NO_EDITS,
  });
  assert.deepEqual(ask('vcl_recv', { url: '/page?q=.css' }), { action: 'hash', edits: NO_EDITS });
  const kept = { ttl: 86400, grace: 3600, edits: { set: [], remove: ['set-cookie'] } };
  assert.deepEqual(ask('vcl_backend_response', { url: '/logo.svg' }), kept);
  const missing = { response: { ...response, status: 404 } };
  assert.deepEqual(ask('vcl_backend_response', { url: '/logo.svg' }, missing), { edits: NO_EDITS });
});

test('telephones have pages of their own', async () => {
  const ask = await opened(await compileAssemblyScript('examples/policies/devices.ts'));
  const telephone = { fields: ['User-Agent', 'Mozilla/5.0 (Android; Mobile)'] };
  assert.deepEqual(ask('vcl_hash', telephone), { key: 'telephone' });
  assert.deepEqual(ask('vcl_hash', { url: '/Mobile' }), { key: '' });
  assert.deepEqual(ask('vcl_backend_fetch', telephone).edits.set, ['X-Device', 'telephone']);
  assert.deepEqual(ask('vcl_deliver', {}).edits.set, ['X-Served-From', 'cache']);
  assert.deepEqual(ask('vcl_deliver', {}, { hit: false }).edits.set, ['X-Served-From', 'origin']);
});

test('nothing below /admin is given out', async () => {
  const ask = await opened(compileWat(await readFile('examples/policies/no-admin.wat', 'utf8')));
  assert.equal(ask('vcl_recv', { url: '/admin' }).synthetic?.status, 403);
  assert.equal(ask('vcl_recv', { url: '/a/admin' }).action, 'hash');
});
