import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openTempFolder } from '../../test/rig/temp-folder.ts';
import { secret, text, trueOrFalse, wholeNumber } from './kinds.ts';
import type { Layers } from './layers.ts';
import { describeMistake } from './mistake.ts';
import { type Resolution, resolveSettings } from './resolve-settings.ts';
import type { Settings } from './setting.ts';
import { parseYaml, type YamlFile } from './yaml-file.ts';

const settings = {
  host: { key: 'host', kind: text(), default: '0.0.0.0', doc: 'Address.' },
  port: { key: 'port', kind: wholeNumber(0, 65_535, 'a port'), default: 8080, doc: 'Port.' },
  token: { key: 'auth.token', kind: secret(), doc: 'Token.' },
  endpoint: { key: 's3.endpoint', kind: text(), envAliases: ['AWS_ENDPOINT_URL'], doc: 'Endpoint.' },
  pathStyle: { key: 's3.path_style', kind: trueOrFalse(), doc: 'Path style.' },
} as const satisfies Settings;

interface Given {
  readonly flags?: Readonly<Record<string, string>>;
  readonly env?: NodeJS.ProcessEnv;
  readonly yaml?: string;
  /** A second file. */
  readonly more?: string;
  readonly nestedPrefixes?: readonly string[];
}

function layers({ flags = {}, env = {}, yaml, more, nestedPrefixes }: Given): Layers {
  const files = [
    ...(yaml === undefined ? [] : [file(yaml)]),
    ...(more === undefined ? [] : [file(more, 'more.yml')]),
  ];
  return { flags: new Map(Object.entries(flags)), env, files, nestedPrefixes };
}

function file(yaml: string, name = 'server.yml'): YamlFile {
  const parsed = parseYaml(name, yaml, {});
  assert.ok(parsed.ok);
  return parsed.value;
}

function resolve(given: Given): Resolution<typeof settings> {
  const resolved = resolveSettings(settings, layers(given));
  assert.ok(resolved.ok, JSON.stringify(resolved));
  return resolved.value;
}

function mistakesOf(given: Given, of: Settings = settings): string[] {
  const resolved = resolveSettings(of, layers(given));
  assert.ok(!resolved.ok, 'there are mistakes');
  return resolved.mistakes.map(describeMistake);
}

test('a flag goes before the environment, the environment before the file, the file before the default', () => {
  const flags = { '--port': '1' };
  const env = { VC_PORT: '2' };
  const yaml = 'port: 3';
  const origins: [Given, number, string][] = [
    [{ flags, env, yaml }, 1, '--port'],
    [{ env, yaml }, 2, 'VC_PORT'],
    [{ yaml }, 3, 'server.yml:1:7'],
    [{}, 8080, 'default'],
  ];
  for (const [given, port, origin] of origins) {
    const { values, origins: from } = resolve(given);
    assert.deepEqual([values.port, from.port], [port, origin]);
  }
});

test('of several files a later one goes before an earlier one, key by key', () => {
  const { values, origins } = resolve({
    yaml: 'port: 3\ns3: { endpoint: http://a, path_style: true }',
    more: 's3:\n  endpoint: http://b',
  });
  assert.deepEqual([values.port, values.endpoint, values.pathStyle], [3, 'http://b', true]);
  assert.equal(origins.endpoint, 'more.yml:2:13');
  assert.deepEqual(mistakesOf({ yaml: 'prot: 1', more: 'hots: x' }), [
    'server.yml:1:1: unknown key "prot" (did you mean "port"?)',
    'more.yml:1:1: unknown key "hots" (did you mean "host"?)',
  ]);
});

test('a variable may tell the levels of a key apart by two underscores', () => {
  const { values, origins } = resolve({ env: { VC_S3__PATH_STYLE: 'true', VC_AUTH__TOKEN: 'x' } });
  assert.deepEqual([values.pathStyle, origins.pathStyle], [true, 'VC_S3__PATH_STYLE']);
  assert.equal(origins.token, 'VC_AUTH__TOKEN');
});

test('a variable may name every level after two underscores, in letters of any size', async () => {
  await using folder = await openTempFolder();
  const path = join(folder.path, 'token');
  await writeFile(path, 'from-a-file');
  const env = { VC__PORT: '1', VC__s3__Path_Style: 'true', VC__AUTH__TOKEN_FILE: path, VC__HOST: '' };
  const { values, origins } = resolve({ env });
  assert.deepEqual([values.port, values.pathStyle, values.host], [1, true, '0.0.0.0']);
  assert.equal(values.token?.reveal(), 'from-a-file');
  assert.equal(origins.pathStyle, 'VC__s3__Path_Style');
  const both = { VC_PORT: '2', VC__PORT: '1', VC__S3__ENDPOINT: 'ours', AWS_ENDPOINT_URL: 'theirs' };
  assert.equal(resolve({ env: both }).values.port, 2, 'the usual name goes before');
  assert.equal(resolve({ env: both }).values.endpoint, 'ours', 'an alias comes after');
});

test('other prefixes of such variables are read where they are named, the first before the next', () => {
  const env = { OTHER__PORT: '1', OTHER__HOST: 'other', VC__HOST: 'ours' };
  assert.equal(resolve({ env }).values.port, 8080);
  const { values, origins } = resolve({ env, nestedPrefixes: ['VC__', 'OTHER__'] });
  assert.deepEqual([values.port, values.host, origins.port], [1, 'ours', 'OTHER__PORT']);
});

test('such a variable that is no setting is a mistake, with the one that was meant', () => {
  const env = { VC__S3__PATH_STILE: 'true', OTHER__PROT: '1', VC__S3: 'x' };
  assert.deepEqual(mistakesOf({ env, nestedPrefixes: ['VC__', 'OTHER__'] }), [
    'VC__S3__PATH_STILE: there is no such setting (did you mean "VC__S3__PATH_STYLE"?)',
    'VC__S3: there is no such setting',
    'OTHER__PROT: there is no such setting (did you mean "OTHER__PORT"?)',
  ]);
});

test('two spellings of one such variable that say different things are a mistake', () => {
  assert.equal(resolve({ env: { VC__PORT: '1', VC__port: '1', VC__Port: '' } }).values.port, 1);
  assert.deepEqual(mistakesOf({ env: { VC__PORT: '1', VC__port: '2' } }), [
    'VC__port: says something else than VC__PORT: leave one of them out',
  ]);
});

test('a section that somebody else reads is passed over in files and variables', () => {
  const given = {
    yaml: 'stores: { a.b: { bukcet: 1 } }\nport: 3',
    env: { VC_STORES__a__X: '1', VC__Stores__a__X: '1' },
  };
  assert.ok(resolveSettings(settings, layers(given), ['stores']).ok);
  assert.equal(mistakesOf(given).length, 3);
  const near = resolveSettings(settings, layers({ yaml: 'store: {}', env: { VC__STORES: '1' } }), ['stores']);
  assert.deepEqual(near.ok || near.mistakes.map(describeMistake), [
    'VC__STORES: there is no such setting',
    'server.yml:1:1: unknown key "store" (did you mean "stores"?)',
  ]);
});

test('so is one below a section of ours, beside which all is looked at', () => {
  const section = ['s3.mounts'];
  const given = {
    yaml: 's3: { mounts: { a.b: { bukcet: 1 } }, path_style: true }',
    env: { VC_S3_MOUNTS__a__X: '1', VC_S3__MOUNTS__a__Y: '1', VC__s3__Mounts__a__X: '1' },
  };
  assert.ok(resolveSettings(settings, layers(given), section).ok);
  assert.equal(mistakesOf(given).length, 4);
  const near = resolveSettings(settings, layers({ yaml: 's3: { mount: {} }' }), section);
  assert.deepEqual(near.ok || near.mistakes.map(describeMistake), [
    'server.yml:1:7: unknown key "s3.mount" (did you mean "s3.mounts"?)',
  ]);
});

test('it is told how strong the layer is that a value came from', () => {
  const { sources } = resolve({
    flags: { '--port': '1' },
    env: { VC_HOST: 'x' },
    yaml: 's3: { path_style: true }',
    more: 's3: { endpoint: x }',
  });
  const { token, pathStyle, endpoint, host, port } = sources;
  assert.deepEqual(
    [token, pathStyle, endpoint, host, port].map(({ rank }) => rank),
    [0, 1, 2, 3, 4],
  );
});

test('a setting that nobody gives and that has no default is undefined', () => {
  const { values, origins } = resolve({});
  assert.deepEqual([values.pathStyle, origins.pathStyle], [undefined, 'not set']);
});

test('a value of a stronger layer hides a wrong one of a weaker', () => {
  assert.equal(resolve({ flags: { '--port': '1' }, env: { VC_PORT: 'wrong' } }).values.port, 1);
});

test('an empty variable counts as not set', () => {
  const { values, origins } = resolve({
    env: { VC_PORT: '', VC_AUTH_TOKEN: '', VC_AUTH_TOKEN_FILE: '' },
    yaml: 'port: 3',
  });
  assert.deepEqual([values.port, origins.port], [3, 'server.yml:1:7']);
  assert.equal(origins.token, 'not set');
});

test('an empty value in the file counts as not set', () => {
  const { origins } = resolve({ yaml: 'port:\nhost: ""\ns3:\n' });
  assert.deepEqual([origins.port, origins.host, origins.endpoint], ['default', 'default', 'not set']);
});

test('an alias is read where the own variable is not set', () => {
  const aliased = resolve({ env: { AWS_ENDPOINT_URL: 'theirs' } });
  assert.deepEqual([aliased.values.endpoint, aliased.origins.endpoint], ['theirs', 'AWS_ENDPOINT_URL']);
  const own = resolve({ env: { AWS_ENDPOINT_URL: 'theirs', VC_S3_ENDPOINT: 'ours' } });
  assert.equal(own.values.endpoint, 'ours');
});

test('a secret may be in a file that a variable names, and the variable itself goes before it', async () => {
  await using folder = await openTempFolder();
  const path = join(folder.path, 'token');
  await writeFile(path, 'from-a-file\n');
  const named = resolve({ env: { VC_AUTH_TOKEN_FILE: path } });
  assert.deepEqual(
    [named.values.token?.reveal(), named.origins.token],
    ['from-a-file', 'VC_AUTH_TOKEN_FILE'],
  );
  const both = resolve({ env: { VC_AUTH_TOKEN_FILE: path, VC_AUTH_TOKEN: 'itself' } });
  assert.equal(both.values.token?.reveal(), 'itself');
});

test('a secret’s file that is not there or empty is a mistake', async () => {
  await using folder = await openTempFolder();
  const path = join(folder.path, 'token');
  assert.match(
    mistakesOf({ env: { VC_AUTH_TOKEN_FILE: path } }).join(),
    /^VC_AUTH_TOKEN_FILE: cannot read the file it names: ENOENT/,
  );
  await writeFile(path, '\n');
  assert.deepEqual(mistakesOf({ env: { VC_AUTH_TOKEN_FILE: path } }), [
    'VC_AUTH_TOKEN_FILE: auth.token: expected some text, not empty, found a value that is not shown here',
  ]);
});

test('only a secret may be in a file of its own', () => {
  assert.deepEqual(mistakesOf({ env: { VC_PORT_FILE: '/run/port' } }), [
    'VC_PORT_FILE: there is no such setting',
  ]);
});

test('a variable of ours that is no setting is a mistake, with the one that was meant', () => {
  assert.deepEqual(mistakesOf({ env: { VC_PROT: '1', VC_SOMETHING_ELSE: '', PROT: '1', AWS_REGION: 'x' } }), [
    'VC_PROT: there is no such setting (did you mean "VC_PORT"?)',
    'VC_SOMETHING_ELSE: there is no such setting',
  ]);
});

test('a key of the file that is no setting is a mistake at the key, with the one that was meant', () => {
  assert.deepEqual(mistakesOf({ yaml: 'prot: 1\ns3:\n  path_stile: true\n  colour: red\n' }), [
    'server.yml:1:1: unknown key "prot" (did you mean "port"?)',
    'server.yml:3:3: unknown key "s3.path_stile" (did you mean "s3.path_style"?)',
    'server.yml:4:3: unknown key "s3.colour"',
  ]);
});

test('a key that is joined by dots is not taken for maps within maps, and not passed over', () => {
  assert.match(
    mistakesOf({ yaml: 's3.endpoint: http://x\n' }).join(),
    /^server\.yml:1:1: unknown key "s3\.endpoint"/,
  );
  assert.match(mistakesOf({ yaml: 's3: { a.b: 1 }\n' }).join(), /^server\.yml:1:7: unknown key "a\.b"/);
});

test('a value where a map belongs is a mistake, and so is a file that is none', () => {
  assert.deepEqual(mistakesOf({ yaml: 's3: http://x\n' }), ['server.yml:1:5: s3: expected a map']);
  assert.deepEqual(mistakesOf({ yaml: '- port\n' }), ['server.yml:1:1: the file: expected a map']);
});

test('an empty file gives nothing', () => {
  assert.equal(resolve({ yaml: '' }).origins.port, 'default');
});

test('a wrong value is a mistake at its source, with what was found and what was expected', () => {
  const expected = 'expected a port between 0 and 65535, found';
  assert.deepEqual(mistakesOf({ flags: { '--port': '' } }), [`--port: port: ${expected} ""`]);
  assert.deepEqual(mistakesOf({ env: { VC_PORT: '80a' } }), [`VC_PORT: port: ${expected} "80a"`]);
  assert.deepEqual(mistakesOf({ yaml: '\nport: [80]' }), [`server.yml:2:7: port: ${expected} [80]`]);
});

test('a wrong secret is not repeated in its mistake', () => {
  const [mistake] = mistakesOf({ yaml: 'auth: { token: [do-not-show] }' });
  assert.ok(mistake?.includes('auth.token') && !mistake.includes('do-not-show'), mistake);
});

test('a required setting that nobody gives is a mistake that says how to give it', () => {
  const required = { token: { ...settings.token, required: 'is not set. Set VC_AUTH_TOKEN.' } };
  assert.deepEqual(mistakesOf({}, required), ['VC_AUTH_TOKEN: is not set. Set VC_AUTH_TOKEN.']);
  assert.ok(resolveSettings(required, layers({ env: { VC_AUTH_TOKEN: 'x' } })).ok);
});

test('all mistakes of all layers come at once', () => {
  const mistakes = mistakesOf({
    flags: { '--host': ' ' },
    env: { VC_PORT: 'x', VC_TYPO: '1' },
    yaml: 's3: { path_style: perhaps }\nextra: 1\n',
  });
  assert.equal(mistakes.length, 5, mistakes.join('\n'));
});
