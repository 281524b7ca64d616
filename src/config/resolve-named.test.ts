import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openTempFolder } from '../../test/rig/temp-folder.ts';
import { secret, text, trueOrFalse } from './kinds.ts';
import type { Layers } from './layers.ts';
import { describeMistake } from './mistake.ts';
import type { Named, NamedSettings } from './named-settings.ts';
import { resolveNamed } from './resolve-named.ts';
import { parseYaml } from './yaml-file.ts';

const shops = {
  key: 'shops',
  noun: 'shop',
  doc: 'Shops.',
  names: /^[a-z][a-z0-9._-]*$/,
  namesExpect: 'small letters',
  common: { closed: { key: 'closed', kind: trueOrFalse(), default: false, doc: 'Closed.' } },
  types: {
    books: {
      street: { key: 'street', kind: text(), required: 'street is missing', doc: 'Street.' },
      shelf: { key: 'shelf', kind: text(), doc: 'Shelf.' },
    },
    bread: {
      oven: { key: 'oven_code', kind: secret(), doc: 'Oven.' },
      street: { key: 'street', kind: text(), default: 'here', doc: 'Street.' },
    },
  },
} as const satisfies NamedSettings;

interface Given {
  readonly env?: NodeJS.ProcessEnv;
  readonly yaml?: string;
  /** A second file. */
  readonly more?: string;
}

function layers({ env = {}, yaml, more }: Given): Layers {
  const files = [yaml, more].flatMap((text, index) => {
    if (text === undefined) return [];
    const parsed = parseYaml(index === 0 ? 'a.yml' : 'b.yml', text, {});
    assert.ok(parsed.ok);
    return [parsed.value];
  });
  return { flags: new Map(), env, files, nestedPrefixes: ['VC__', 'OTHER__'] };
}

function resolve(given: Given): Named<typeof shops>[] {
  const resolved = resolveNamed(shops, layers(given));
  assert.ok(resolved.ok, JSON.stringify(resolved));
  return [...resolved.value];
}

function mistakesOf(given: Given): string[] {
  const resolved = resolveNamed(shops, layers(given));
  assert.ok(!resolved.ok, 'there are mistakes');
  return resolved.mistakes.map(describeMistake);
}

test('each has the settings of its type, in the order in which they are named', () => {
  const yaml = 'shops:\n  b: { type: bread }\n  a:\n    type: books\n    street: x\n    closed: true\n';
  const [b, a] = resolve({ yaml });
  assert.deepEqual(
    [b?.name, b?.type, b?.values],
    ['b', 'bread', { closed: false, oven: undefined, street: 'here' }],
  );
  assert.deepEqual(
    [a?.name, a?.type, a?.values],
    ['a', 'books', { closed: true, street: 'x', shelf: undefined }],
  );
  const { type, street, closed, shelf } = a?.origins ?? {};
  assert.deepEqual([type, street, closed, shelf], ['a.yml:4:11', 'a.yml:5:13', 'a.yml:6:13', 'not set']);
});

test('nothing named is nothing', () => {
  for (const yaml of ['', 'shops:\n', 'shops: {}\n', 'other: 1\n']) assert.deepEqual(resolve({ yaml }), []);
});

test('the environment goes before files, a later file before an earlier one, setting by setting', () => {
  const [a, ...others] = resolve({
    yaml: 'shops: { a: { type: books, street: first, shelf: first } }',
    more: 'shops: { a: { street: second, closed: true, shelf: null } }',
    env: { VC_SHOPS__a__CLOSED: 'false', VC_SHOPS__a__STREET: '' },
  });
  assert.deepEqual(others, []);
  assert.deepEqual(a?.values, { closed: false, street: 'second', shelf: 'first' });
});

test('variables alone make one; of several prefixes the first goes before', () => {
  const found = resolve({
    env: {
      OTHER__SHOPS__corner__type: 'books',
      OTHER__SHOPS__corner__street: 'theirs',
      VC__Shops__corner__Street: 'ours',
      VC__SHOPS__corner__SHELF: 'ours',
      VC_SHOPS__corner__SHELF: 'usual',
    },
  });
  assert.deepEqual(found[0]?.values, { closed: false, street: 'ours', shelf: 'usual' });
  assert.equal(found[0]?.origins['shelf'], 'VC_SHOPS__corner__SHELF');
  assert.equal(found.length, 1);
});

test('a name stays as it is written, with dots, dashes and two underscores', () => {
  const env = { 'VC_SHOPS__a-b.c__TYPE': 'bread', VC_SHOPS__a__b__TYPE: 'bread' };
  assert.deepEqual(
    resolve({ env }).map(({ name }) => name),
    ['a-b.c', 'a__b'],
  );
});

test('two spellings of one variable that say different things are a mistake', () => {
  const env = { VC_SHOPS__a__TYPE: 'bread', VC_SHOPS__a__STREET: 'x', VC_SHOPS__b__TYPE: 'bread' };
  assert.equal(
    resolve({ env: { ...env, VC_SHOPS__a__street: 'x', OTHER__SHOPS__a__street: 'y' } }).length,
    2,
  );
  assert.deepEqual(mistakesOf({ env: { ...env, VC_SHOPS__a__street: 'y' } }), [
    'VC_SHOPS__a__street: says something else than VC_SHOPS__a__STREET: leave one of them out',
  ]);
});

test('only empty variables name nothing', () => {
  assert.deepEqual(resolve({ env: { VC_SHOPS__a__TYPE: '' } }), []);
});

test('a secret may be in a file that a variable names', async () => {
  await using folder = await openTempFolder();
  const path = join(folder.path, 'code');
  await writeFile(path, 'c0de\n');
  const env = { VC_SHOPS__a__TYPE: 'bread', VC_SHOPS__a__OVEN_CODE_FILE: path };
  const [shop] = resolve({ env });
  assert.ok(shop?.type === 'bread' && shop.values.oven?.reveal() === 'c0de');
  assert.equal(shop.origins['oven'], 'VC_SHOPS__a__OVEN_CODE_FILE');
  assert.match(
    mistakesOf({ env: { ...env, VC_SHOPS__a__OVEN_CODE_FILE: `${path}-not` } }).join(),
    /^VC_SHOPS__a__OVEN_CODE_FILE: cannot read the file it names: ENOENT/,
  );
});

test('a setting that is none is a mistake at its place, with the one that was meant', () => {
  const yaml = 'shops:\n  a:\n    type: books\n    street: x\n    shlf: y\n    colour: z\n    oven_code: 1\n';
  const env = { VC_SHOPS__a__SHLF: '1', VC_SHOPS__a__STREET_FILE: '1' };
  const has = 'a shop of type books has type, closed, street, shelf';
  assert.deepEqual(mistakesOf({ yaml, env }), [
    'VC_SHOPS__a__SHLF: there is no such setting (did you mean "shelf"?)',
    `VC_SHOPS__a__STREET_FILE: there is no such setting; ${has}`,
    'a.yml:5:5: unknown key "shops.a.shlf" (did you mean "shelf"?)',
    `a.yml:6:5: unknown key "shops.a.colour"; ${has}`,
    `a.yml:7:5: unknown key "shops.a.oven_code": it is one of type bread; ${has}`,
  ]);
});

test('a type that is missing or none is a mistake', () => {
  assert.deepEqual(mistakesOf({ yaml: 'shops:\n  a: { street: x }\n  b: { type: book }\n  c:\n' }), [
    'a.yml:2:3: shops.a: type is missing; expected "books" or "bread"',
    'a.yml:3:14: shops.b.type: expected "books" or "bread", found "book"',
    'a.yml:4:3: shops.c: type is missing; expected "books" or "bread"',
  ]);
  assert.deepEqual(mistakesOf({ env: { VC_SHOPS__a__STREET: 'x' } }), [
    'VC_SHOPS__a__STREET: shops.a: type is missing; expected "books" or "bread"',
  ]);
});

test('what a type needs and nobody gives is a mistake at the name', () => {
  assert.deepEqual(mistakesOf({ yaml: 'shops:\n  a: { type: books, street: null }\n' }), [
    'a.yml:2:3: shops.a: street is missing',
  ]);
});

test('a wrong value is a mistake, and a wrong secret is not repeated in it', () => {
  const yaml = 'shops: { a: { type: bread, closed: perhaps, oven_code: [do-not-show] } }';
  const mistakes = mistakesOf({ yaml });
  assert.match(mistakes[0] ?? '', /shops\.a\.closed: expected true or false, found "perhaps"/);
  assert.match(mistakes[1] ?? '', /shops\.a\.oven_code: expected some text, not empty, found a value/);
  assert.ok(!mistakes.join().includes('do-not-show'));
});

test('a name that cannot be is a mistake where it stands', () => {
  assert.deepEqual(mistakesOf({ yaml: 'shops:\n  .a: { type: bread }\n' }), [
    'a.yml:2:3: ".a" cannot name a shop: expected small letters',
  ]);
  assert.deepEqual(mistakesOf({ env: { VC_SHOPS__A__TYPE: 'bread' } }), [
    'VC_SHOPS__A__TYPE: "A" cannot name a shop: expected small letters',
  ]);
});

test('what is no map is a mistake, and so is a variable without a name', () => {
  assert.deepEqual(
    mistakesOf({ yaml: 'shops: [a]\n', env: { VC_SHOPS__TYPE: 'bread', VC__SHOPS__x: '1' } }),
    [
      'VC_SHOPS__TYPE: there is no such setting: those of a shop are VC_SHOPS__<name>__<SETTING>',
      'VC__SHOPS__x: there is no such setting: those of a shop are VC_SHOPS__<name>__<SETTING>',
      'a.yml:1:8: shops: expected a map of a name and a shop each',
    ],
  );
  assert.match(mistakesOf({ yaml: 'shops: { a: books }\n' }).join(), /a\.yml:1:13: shops\.a: expected a map/);
});

test('whoever looks further can tell of a mistake at a setting, or at the name where it is not given', () => {
  const [a] = resolve({ yaml: 'shops:\n  a:\n    type: books\n    street: x\n' });
  const at = (key: string) => a && describeMistake(a.mistakeAt(key, 'no'));
  assert.deepEqual([at('street'), at('shelf')], ['a.yml:4:13: no', 'a.yml:2:3: no']);
});

/** Things of one kind, two levels down. */
const doors = {
  key: 'house.doors',
  noun: 'door',
  doc: 'Doors.',
  names: /^[a-z]+$/,
  namesExpect: 'small letters',
  common: {
    colour: { key: 'colour', kind: text(), required: 'colour is missing', doc: 'Colour.' },
    open: { key: 'open', kind: trueOrFalse(), default: false, doc: 'Open.' },
  },
} as const satisfies NamedSettings;

test('things without types, below a key of several levels, have all the same settings', () => {
  const yaml = 'house:\n  other: 1\n  doors:\n    front: { colour: red }\n    back: { open: true }\n';
  const env = { VC_HOUSE_DOORS__back__COLOUR: 'blue', VC__house__doors__side__colour: 'green' };
  const resolved = resolveNamed(doors, layers({ yaml, env: { ...env, VC_HOUSE__DOORS__side__OPEN: '1' } }));
  assert.ok(resolved.ok, JSON.stringify(resolved));
  assert.deepEqual(
    resolved.value.map(({ name, values }) => [name, values.colour, values.open]),
    [
      ['front', 'red', false],
      ['back', 'blue', true],
      ['side', 'green', true],
    ],
  );
  assert.equal(resolved.value[0]?.origins['colour'], 'a.yml:4:22');
});

test('of things without types a type is an unknown key, and mistakes are told where they stand', () => {
  const yaml = 'house:\n  doors:\n    front: { type: x, colour: red }\n    back:\n';
  const resolved = resolveNamed(doors, layers({ yaml, env: { VC_HOUSE_DOORS__OPEN: '1' } }));
  assert.deepEqual(!resolved.ok && resolved.mistakes.map(describeMistake), [
    'VC_HOUSE_DOORS__OPEN: there is no such setting: those of a door are VC_HOUSE_DOORS__<name>__<SETTING>',
    'a.yml:3:14: unknown key "house.doors.front.type"; a door has colour, open',
    'a.yml:4:5: house.doors.back: colour is missing',
  ]);
  const list = resolveNamed(doors, layers({ yaml: 'house: { doors: [a] }' }));
  assert.match(JSON.stringify(list), /house\.doors: expected a map of a name and a door each/);
});
