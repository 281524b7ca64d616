import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CapturedIo } from '../../../test/rig/captured-io.ts';
import { runCli } from '../cli.ts';

async function key(args: readonly string[], { env = {}, input = '' } = {}) {
  const io = new CapturedIo({ env, input });
  const exitCode = await runCli(['key', ...args], io);
  return { exitCode, stdout: io.stdout.text, stderr: io.stderr.text };
}

test('a new private key is alone on stdout, and stderr names its public key and what to do with both', async () => {
  const { exitCode, stdout, stderr } = await key(['new']);
  assert.equal(exitCode, 0);
  assert.match(stdout, /^ed25519-private:[\w-]{43}\n$/);
  assert.match(stderr, /VELOCITY_SIGNING_KEY.*\n.*remote\.signature\.trusted: ed25519:[\w-]{43}\n$/);
  assert.ok(!stderr.includes(stdout.trim()));
});

test('the public key of a private one is told, from the variable or from standard input', async () => {
  const made = await key(['new']);
  const publicKey = /ed25519:\S+/.exec(made.stderr)?.[0];
  const fromInput = await key(['public'], { input: made.stdout });
  const fromVariable = await key(['public'], { env: { VELOCITY_SIGNING_KEY: made.stdout.trim() } });
  for (const { exitCode, stdout } of [fromInput, fromVariable])
    assert.deepEqual([exitCode, stdout], [0, `${publicKey}\n`]);
});

test('what is no private key is refused, and not quoted', async () => {
  const { stdout } = await key(['new']);
  const broken = stdout.trim().slice(0, -2);
  for (const [given, says] of [
    [{ input: '' }, /^velocity: standard input: expected a private key/],
    [{ input: broken }, /^velocity: standard input: expected a private key/],
    [{ env: { VELOCITY_SIGNING_KEY: broken } }, /^velocity: VELOCITY_SIGNING_KEY: expected a private key/],
    [{ input: `ed25519:${'A'.repeat(43)}` }, /a public key stands where a private one belongs/],
    [{ input: 'x'.repeat(200_000) }, /expected a private key/],
  ] as const) {
    const { exitCode, stdout: printed, stderr } = await key(['public'], given);
    assert.deepEqual([exitCode, printed], [2, '']);
    assert.match(stderr, says);
    assert.ok(!stderr.includes(broken.slice(-20)) && stderr.length < 300);
  }
});
