import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compareQuantities,
  convert,
  dimensionOf,
  formatQuantity,
  isUnit,
  parseQuantity,
  UNITS,
} from '@shop/units';

test('a label is read, multipacks included', () => {
  assert.deepEqual(parseQuantity('750 ml'), { value: 750, unit: 'ml' });
  assert.deepEqual(parseQuantity('1.5 kg'), { value: 1.5, unit: 'kg' });
  assert.deepEqual(parseQuantity('6 x 33 cl'), { value: 198, unit: 'cl' });
});

test('a label that names no unit is refused', () => {
  for (const label of ['750', '750ml', 'ml 750', '1,5 kg', '3 stones', '-1 kg']) {
    assert.throws(() => parseQuantity(label), SyntaxError, label);
  }
});

test('a pound is 453.59237 grams by definition', () => {
  assert.equal(formatQuantity(convert(parseQuantity('1 lb'), 'g')), '453.59237 g');
  assert.equal(convert(parseQuantity('16 oz'), 'lb').value, 1);
});

test('mass does not turn into volume', () => {
  assert.throws(() => convert(parseQuantity('1 kg'), 'l'), TypeError);
});

test('quantities compare across units', () => {
  assert.ok(compareQuantities(parseQuantity('1 l'), parseQuantity('75 cl')) > 0);
  assert.equal(compareQuantities(parseQuantity('2 dozen'), parseQuantity('24 pc')), 0);
});

test('converting there and back changes nothing a scale could see', () => {
  const units = Object.keys(UNITS).filter(isUnit);
  for (const from of units) {
    for (const to of units.filter((unit) => UNITS[unit].dimension === UNITS[from].dimension)) {
      for (let value = 0.25; value <= 2_500; value += 0.25) {
        const back = convert(convert({ value, unit: from }, to), from);
        if (Math.abs(back.value - value) > value * 1e-9)
          assert.fail(`${value} ${from} via ${to}: ${back.value}`);
      }
    }
  }
  assert.equal(dimensionOf({ value: 1, unit: 'floz' }), 'volume');
});
