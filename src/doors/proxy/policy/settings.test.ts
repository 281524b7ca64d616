import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveSettings } from '../../../config/resolve-settings.ts';
import { policyMistakes, policySettings } from './settings.ts';

function resolve(env: NodeJS.ProcessEnv) {
  const resolved = resolveSettings(policySettings, { flags: new Map(), env, files: [] });
  assert.ok(resolved.ok);
  return resolved.value;
}

test('the policy’s file and its instances have short names in the environment, the longer one first', () => {
  const { values } = resolve({
    VELOCITY_WASM_PATH: 'a',
    VELOCITY_WASM_POLICY_PATH: 'b',
    VELOCITY_POOL_SIZE: '2',
  });
  assert.deepEqual([values.policyPath, values.policyPoolSize], ['b', 2]);
  assert.equal(resolve({ VELOCITY_WASM_PATH: 'a' }).values.policyPath, 'a');
});

test('deadline and memory have limits', () => {
  assert.deepEqual(policyMistakes(resolve({})), []);
  for (const [name, value, reason] of [
    ['VC_PROXY_POLICY_DEADLINE', '0s', /proxy\.policy\.deadline: 0\w* is not between 1ms and 1s/],
    ['VC_PROXY_POLICY_DEADLINE', '2s', /deadline/],
    ['VC_PROXY_POLICY_MAX_MEMORY', '1KiB', /proxy\.policy\.max_memory: 1KiB is not between 64KiB and 1GiB/],
    ['VC_PROXY_POLICY_MAX_MEMORY', '2GiB', /max_memory/],
  ] as const) {
    const [mistake, ...more] = policyMistakes(resolve({ [name]: value }));
    assert.deepEqual(more, []);
    assert.match(mistake?.message ?? '', reason);
  }
});
