import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mistakesOf } from '../../../test/rig/read-workspace.ts';
import { TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { SigningKey } from '../signatures/signing-key.ts';

/** The mistakes of a velocity.yml in a repository with the packages web and lib. */
async function mistakesIn(...file: readonly string[]): Promise<string[]> {
  await using folder = await TempWorkspace.open(
    {
      'velocity.yml': ['version: 1', 'packages: [apps/*]', ...file, ''].join('\n'),
      'package.json': { name: 'shop' },
      'apps/web/package.json': { name: 'web' },
      'apps/lib/package.json': { name: '@shop/lib' },
    },
    { git: false },
  );
  return await mistakesOf(folder);
}

describe('names', () => {
  test('tasks and packages that exist are no mistakes', async () => {
    const pipeline = [
      'pipeline:',
      '  build: { depends_on: ["^build", gen, "@shop/lib#gen", "//#setup", "shop#setup"] }',
      '  gen: {}',
      '  "web#build": {}',
      '  "//#setup": {}',
    ];
    assert.deepEqual(await mistakesIn(...pipeline), []);
  });

  test('a task that is only one package’s may be depended on', async () => {
    assert.deepEqual(
      await mistakesIn('pipeline:', '  a: { depends_on: ["web#gen"] }', '  "web#gen": {}'),
      [],
    );
  });

  test('an unknown task is shown where it stands, with the one that was meant', async () => {
    assert.deepEqual(await mistakesIn('pipeline:', '  build:', '    depends_on:', '      - "^biuld"'), [
      'velocity.yml:6:9: the pipeline has no task "biuld" (did you mean "build"?)',
    ]);
  });

  test('an unknown package in depends_on is shown where it stands', async () => {
    assert.deepEqual(await mistakesIn('pipeline:', '  build: { depends_on: ["@shop/lob#build"] }'), [
      'velocity.yml:4:25: there is no package "@shop/lob" in this workspace (did you mean "@shop/lib"?)',
    ]);
  });

  test('an unknown package in a task’s own name is shown at the name', async () => {
    assert.deepEqual(await mistakesIn('pipeline:', '  build: {}', '  "wbe#build": {}'), [
      'velocity.yml:5:3: there is no package "wbe" in this workspace (did you mean "web"?)',
    ]);
  });

  test('one entry may be wrong in package and task at once', async () => {
    assert.deepEqual(await mistakesIn('pipeline:', '  build: { depends_on: ["wbe#biuld"] }'), [
      'velocity.yml:4:25: there is no package "wbe" in this workspace (did you mean "web"?)',
      'velocity.yml:4:25: the pipeline has no task "biuld" (did you mean "build"?)',
    ]);
  });

  test('a name unlike all known ones gets no suggestion', async () => {
    assert.deepEqual(await mistakesIn('pipeline:', '  build: { depends_on: [deploy-everything] }'), [
      'velocity.yml:4:25: the pipeline has no task "deploy-everything"',
    ]);
  });
});

describe('patterns', () => {
  test('inputs may be anchored at the workspace root', async () => {
    assert.deepEqual(
      await mistakesIn('pipeline:', '  a: { inputs: [/shared/**, "!/shared/x", $default] }'),
      [],
    );
  });

  test('inputs that climb out are told how to say it', async () => {
    assert.deepEqual(await mistakesIn('pipeline:', '  a: { inputs: [src/**, ../shared/**] }'), [
      'velocity.yml:4:25: "../shared/**" leaves the package with "..". Write a path from the workspace root with a leading "/".',
    ]);
  });

  test('global inputs may not climb out either', async () => {
    assert.deepEqual(await mistakesIn('global:', '  inputs: [../x]', 'pipeline: {}'), [
      'velocity.yml:4:12: "../x" leaves the package with "..". Write a path from the workspace root with a leading "/".',
    ]);
  });

  test('outputs lie below their package', async () => {
    assert.deepEqual(
      await mistakesIn('pipeline:', '  a: { outputs: [../dist, a/../b, /dist/**, "!../x"] }'),
      [
        'velocity.yml:4:18: "../dist" leaves the package with "..". Outputs lie below their package.',
        'velocity.yml:4:27: "a/../b" leaves the package with "..". Outputs lie below their package.',
        'velocity.yml:4:35: "/dist/**" begins with "/"; outputs lie below their package.',
        'velocity.yml:4:45: "!../x" leaves the package with "..". Outputs lie below their package.',
      ],
    );
  });

  test('two dots inside a name climb nowhere', async () => {
    assert.deepEqual(
      await mistakesIn('pipeline:', '  a: { outputs: [a..b/**], inputs: ["[...slug].ts"] }'),
      [],
    );
  });

  test('outputs may not be the whole package, however that is written', async () => {
    for (const whole of ['**', '*', '**/*', '*/**', '.', './', './**', './/**', '**/**/*']) {
      assert.deepEqual(await mistakesIn('pipeline:', `  a: { outputs: ["${whole}"] }`), [
        `velocity.yml:4:18: "${whole}" takes the whole package for output, its sources included. Name the folder the task writes to.`,
      ]);
    }
  });

  test('a negation of the whole takes nothing for output', async () => {
    assert.deepEqual(await mistakesIn('pipeline:', '  a: { outputs: ["dist/**", "!**/*"] }'), []);
  });
});

describe('signing keys', () => {
  const key = SigningKey.generate();
  const [privateKey, publicKey] = [key.text.reveal(), key.publicKey.text];
  const signature = (...lines: readonly string[]): Promise<string[]> =>
    mistakesIn('remote:', '  enabled: false', '  signature:', ...lines, 'pipeline: {}');

  test('keys in their places are no mistakes, and an empty private one is none', async () => {
    const trusted = ['    trusted:', `      - key: ${publicKey}`, '        scopes: [main]'];
    assert.deepEqual(await signature(`    private_key: ${privateKey}`, ...trusted), []);
    assert.deepEqual(await signature('    private_key: ""', ...trusted), []);
  });

  test('a public key that is none is a mistake, also where the remote is off', async () => {
    assert.deepEqual(await signature('    trusted:', '      - key: ""', '      - key: ed25519:AAAA'), [
      'velocity.yml:7:14: remote.signature.trusted.0.key: expected a public key, as "velocity key new" prints it: ed25519: and 43 letters',
      'velocity.yml:8:14: remote.signature.trusted.1.key: expected a public key, as "velocity key new" prints it: ed25519: and 43 letters',
    ]);
  });

  test('a private key where a public one belongs, or the reverse, is told and not quoted', async () => {
    assert.deepEqual(await signature('    trusted:', `      - key: ${privateKey}`), [
      'velocity.yml:7:14: remote.signature.trusted.0.key: a private key stands where a public one belongs; "velocity key public" prints its public key',
    ]);
    assert.deepEqual(await signature('    trusted:', `      - ${privateKey}`), [
      'velocity.yml:7:9: remote.signature.trusted.0: expected a map, found "ed25519-private:***"',
    ]);
    assert.deepEqual(await signature(`    private_key: ${publicKey}`), [
      'velocity.yml:6:18: remote.signature.private_key: a public key stands where a private one belongs; it goes below "trusted"',
    ]);
  });

  test('a scope that is none, or an empty list of them, is a mistake', async () => {
    assert.deepEqual(await signature('    trusted:', `      - { key: "${publicKey}", scopes: [] }`), [
      'velocity.yml:7:79: remote.signature.trusted.0.scopes: expected at least one scope, found a list',
    ]);
    const [mistake] = await signature('    trusted:', `      - { key: "${publicKey}", scopes: [a/b] }`);
    assert.match(mistake ?? '', /scopes\.0: expected a name of 1 to 64 of .*, found "a\/b"$/);
  });
});

describe('the remote', () => {
  test('it needs an address unless it is switched off', async () => {
    assert.deepEqual(await mistakesIn('remote:', '  token: x', 'pipeline: {}'), [
      'velocity.yml:4:3: remote.url is missing: name the gateway, or set remote.enabled to false',
    ]);
    assert.deepEqual(await mistakesIn('remote: { enabled: false }', 'pipeline: {}'), []);
  });

  test('its address must be one of http', async () => {
    for (const url of ['ftp://cache', 'cache:8080', 'http://', 'https://a b']) {
      assert.deepEqual(await mistakesIn('remote:', `  url: "${url}"`, 'pipeline: {}'), [
        `velocity.yml:4:8: remote.url: expected http(s)://host[:port], found "${url}"`,
      ]);
    }
  });
});

test('all mistakes are told at once', async () => {
  const found = await mistakesIn(
    'remote: { url: nowhere }',
    'global: { inputs: [../x] }',
    'pipeline:',
    '  build: { depends_on: [a, b], outputs: [../o] }',
    '  "x#build": {}',
  );
  assert.deepEqual(
    found.map((mistake) => mistake.split(': ', 1)[0]),
    [
      'velocity.yml:3:16',
      'velocity.yml:6:25',
      'velocity.yml:6:28',
      'velocity.yml:7:3',
      'velocity.yml:6:42',
      'velocity.yml:4:20',
    ],
  );
});
