/** What somebody sees whose Node is too old to run any of it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanEnv } from '../rig/server-process.ts';

const VELOCITY = fileURLToPath(new URL('../../bin/velocity.js', import.meta.url));

/** The program on this Node, which says that it is another one. */
function velocityOn(version: string) {
  const lie = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  const args = ['--import', `data:text/javascript,${encodeURIComponent(lie)}`, VELOCITY, '--version'];
  return spawnSync(process.execPath, args, { env: cleanEnv(), encoding: 'utf8' });
}

test('a Node that is too old is told, with the one that is needed, where it lies, and what to do', () => {
  for (const version of ['18.0.0', '20.20.2', '24.11.1']) {
    const { status, stdout, stderr } = velocityOn(version);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^velocity: needs Node 24\.12 or newer, and this is Node /);
    assert.ok(stderr.includes(`Node ${version} (${process.execPath})`), stderr);
    assert.match(stderr, /https:\/\/nodejs\.org/);
  }
});

test('a Node that is new enough runs it', () => {
  for (const version of ['24.12.0', '25.0.0', '100.1.0']) {
    const { status, stdout, stderr } = velocityOn(version);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^\d+\.\d+\.\d+/);
  }
});
