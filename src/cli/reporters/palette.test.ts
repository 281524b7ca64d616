import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { styleText } from 'node:util';
import fc from 'fast-check';
import { CapturedIo } from '../../../test/rig/captured-io.ts';
import { colourVariables, openPalette, wantsColour } from './palette.ts';

const COLOURS = openPalette(new CapturedIo({ env: { FORCE_COLOR: '1' } }));
const PLAIN = openPalette(new CapturedIo());

describe('wantsColour', () => {
  const cases: readonly (readonly [
    rule: string,
    env: NodeJS.ProcessEnv,
    terminal: boolean,
    wanted: boolean,
  ])[] = [
    ['a terminal gets colours', {}, true, true],
    ['a pipe or file gets none', {}, false, false],
    ['a dumb terminal gets none', { TERM: 'dumb' }, true, false],
    ['NO_COLOR takes them away', { NO_COLOR: '1' }, true, false],
    ['NO_COLOR takes them away whatever its value', { NO_COLOR: '0' }, true, false],
    ['an empty NO_COLOR says nothing', { NO_COLOR: '' }, true, true],
    ['FORCE_COLOR gives them to a pipe', { FORCE_COLOR: '1' }, false, true],
    ['FORCE_COLOR of any depth gives them', { FORCE_COLOR: '3' }, false, true],
    ['an empty FORCE_COLOR gives them, as in Node', { FORCE_COLOR: '' }, false, true],
    ['FORCE_COLOR=0 takes them away', { FORCE_COLOR: '0' }, true, false],
    ['FORCE_COLOR=false takes them away', { FORCE_COLOR: 'false' }, true, false],
    ['FORCE_COLOR is stronger than NO_COLOR', { FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
    ['FORCE_COLOR is stronger than a dumb terminal', { FORCE_COLOR: '1', TERM: 'dumb' }, true, true],
  ];
  for (const [rule, env, terminal, wanted] of cases) {
    test(rule, () => {
      assert.equal(wantsColour(env, terminal), wanted);
    });
  }
});

describe('colourVariables', () => {
  test('tasks are told to use colours where we do', () => {
    assert.deepEqual(colourVariables({ A: '1', NO_COLOR: '1' }, true), { A: '1', FORCE_COLOR: '1' });
  });

  test('the depth that somebody asked for stays', () => {
    assert.deepEqual(colourVariables({ FORCE_COLOR: '3' }, true), { FORCE_COLOR: '3' });
  });

  test('tasks are told to use none where we use none', () => {
    assert.deepEqual(colourVariables({ A: '1', FORCE_COLOR: '0' }, false), { A: '1', NO_COLOR: '1' });
  });
});

describe('paint', () => {
  test('text is painted where colours are on', () => {
    assert.equal(COLOURS.paint('red', 'x'), styleText('red', 'x', { validateStream: false }));
    assert.notEqual(COLOURS.paint('red', 'x'), 'x');
  });

  test('text is left alone where they are off', () => {
    assert.equal(PLAIN.paint('red', 'x'), 'x');
  });
});

describe('log', () => {
  function plain(text: string): string {
    return PLAIN.log(Buffer.from(text)).toString();
  }

  test('where colours are on a log is shown as it is', () => {
    assert.equal(COLOURS.log(Buffer.from('\x1b[31mred\x1b[0m')).toString(), '\x1b[31mred\x1b[0m');
  });

  test('where they are off colours, cursor moves, titles and links are taken out', () => {
    assert.equal(plain('\x1b[31mred\x1b[0m \x1b[1;38;2;1;2;3mrgb\x1b[m'), 'red rgb');
    assert.equal(plain('a\x1b[2K\x1b[1Gb\x1b[?25hc'), 'abc');
    assert.equal(plain('\x1b]0;title\x07text'), 'text');
    assert.equal(plain('\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\'), 'link');
    assert.equal(plain('\x1b7saved\x1b8\x1b(B'), 'saved');
  });

  test('letters whose bytes an 8-bit terminal would obey stay whole', () => {
    assert.equal(plain('\x1b[31mtěla\x1b[0m ě1m 雛K'), 'těla ě1m 雛K');
  });

  test('any text without escapes stays as it is, beside some', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((each) => !each.includes('\x1b'));
    fc.assert(
      fc.property(text, text, (before, after) => {
        assert.equal(plain(`${before}\x1b[1m${after}`), before + after);
      }),
    );
  });
});
