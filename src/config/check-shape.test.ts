import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { checkShape } from './check-shape.ts';
import { parseYaml } from './yaml-file.ts';

const task = z.strictObject({
  command: z.string().optional(),
  outputs: z.array(z.string().min(1, 'expected a path')).optional(),
  cache: z.union([z.boolean(), z.enum(['true', 'false'])], 'expected true or false').optional(),
  mode: z.enum(['fast', 'thorough']).optional(),
  retries: z.int().optional(),
});
const schema = z.strictObject({
  version: z.literal(1),
  remote: z.strictObject({ url: z.string(), token: z.string().optional() }).optional(),
  tasks: z.record(
    z.string().regex(/^[a-z]+$/, 'expected a task name'),
    z.preprocess((value) => value ?? {}, task),
  ),
  either: z.union([z.string(), z.strictObject({ name: z.string() })]).optional(),
});

/** Each mistake as `line:column message`. */
function mistakesOf(text: string): string[] {
  const parsed = parseYaml('file.yml', text, {});
  assert.ok(parsed.ok);
  const checked = checkShape(parsed.value, schema);
  assert.ok(!checked.ok, 'the text has mistakes');
  return checked.mistakes.map(({ message, position }) => `${position?.line}:${position?.column} ${message}`);
}

test('data of the right shape comes back as the schema makes it', () => {
  const parsed = parseYaml('file.yml', 'version: 1\ntasks:\n  build:\n', {});
  assert.ok(parsed.ok);
  assert.deepEqual(checkShape(parsed.value, schema), {
    ok: true,
    value: { version: 1, tasks: { build: {} } },
  });
});

test('an unknown key is found at the key, with the name that was meant', () => {
  assert.deepEqual(mistakesOf('version: 1\ntasks: {}\nremote:\n  url: x\n  tokn: y\n'), [
    '5:3 unknown key "tokn" (did you mean "token"?)',
  ]);
});

test('an unknown key that is like no other comes with all that are known', () => {
  assert.deepEqual(mistakesOf('version: 1\ntasks: {}\nremote: { url: x, colour: red }\n'), [
    '3:19 unknown key "colour"; known are url, token',
  ]);
});

test('keys are known below maps of any name and below what is preprocessed', () => {
  assert.deepEqual(mistakesOf('version: 1\ntasks:\n  build:\n    comand: tsc\n'), [
    '4:5 unknown key "comand" (did you mean "command"?)',
  ]);
});

test('a value of another type is found at the value, with both types in words', () => {
  assert.deepEqual(mistakesOf('version: 1\ntasks:\n  build:\n    outputs: dist\n    retries: 1.5\n'), [
    '4:14 tasks.build.outputs: expected a list, found "dist"',
    '5:14 tasks.build.retries: expected a whole number, found 1.5',
  ]);
  assert.deepEqual(mistakesOf('version: 1\ntasks: [build]\n'), ['2:8 tasks: expected a map, found a list']);
});

test('a key that is missing is found at the map it is missing from', () => {
  assert.deepEqual(mistakesOf('version: 1\ntasks: {}\nremote:\n  token: x\n'), [
    '4:3 remote.url: is missing; expected a string',
  ]);
});

test('a value that is none of the choices comes with the choices and the one that was meant', () => {
  assert.deepEqual(mistakesOf('version: 1\ntasks: { build: { mode: thorugh } }\n'), [
    '2:25 tasks.build.mode: expected "fast" or "thorough", found "thorugh" (did you mean "thorough"?)',
  ]);
  assert.deepEqual(mistakesOf('version: 2\ntasks: {}\n'), ['1:10 version: expected 1, found 2']);
});

test('the words of the schema go before ours', () => {
  assert.deepEqual(mistakesOf('version: 1\ntasks: { build: { cache: maybe, outputs: [""] } }\n'), [
    '2:26 tasks.build.cache: expected true or false, found "maybe"',
    '2:43 tasks.build.outputs.0: expected a path, found ""',
  ]);
});

test('a value that takes several forms and has none of them is said to', () => {
  assert.deepEqual(mistakesOf('version: 1\ntasks: {}\neither: 5\n'), [
    '3:9 either: is none of the allowed forms, found 5',
  ]);
});

test('a name that cannot be one is found at the name', () => {
  assert.deepEqual(mistakesOf('version: 1\ntasks:\n  "Build all": {}\n'), [
    '3:3 tasks.Build all: expected a task name, found "Build all"',
  ]);
});

test('several mistakes come at once, in the order of the file', () => {
  const mistakes = mistakesOf('versoin: 1\ntasks:\n  build: { mode: slow }\nremote: { url: 5 }\nextra: 1\n');
  assert.deepEqual(
    mistakes.map((mistake) => mistake.split(' ')[0]),
    ['1:1', '1:1', '3:18', '4:16', '5:1'],
  );
});

test('a file that is not a map at all is one mistake', () => {
  assert.deepEqual(mistakesOf('just text'), ['1:1 the file: expected a map, found "just text"']);
  assert.deepEqual(mistakesOf(''), ['1:1 the file: expected a map, found null']);
});
