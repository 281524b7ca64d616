import { type Dimension, isUnit, UNITS, type Unit } from './unit.ts';

export interface Quantity {
  readonly value: number;
  readonly unit: Unit;
}

/** Reads `750 ml`, `1.5 kg`, and multipacks such as `6 x 33 cl`. */
export function parseQuantity(text: string): Quantity {
  const [, packs = '1', value, unit = ''] = /^(?:(\d+) x )?(\d+(?:\.\d+)?) ([a-z]+)$/.exec(text) ?? [];
  if (!isUnit(unit)) throw new SyntaxError(`not a quantity: ${text}`);
  return { value: tidy(Number(packs) * Number(value)), unit };
}

export function dimensionOf(quantity: Quantity): Dimension {
  return UNITS[quantity.unit].dimension;
}

export function convert(quantity: Quantity, unit: Unit): Quantity {
  const [from, to] = [UNITS[quantity.unit], UNITS[unit]];
  if (from.dimension !== to.dimension) {
    throw new TypeError(`${quantity.unit} is ${from.dimension}, ${unit} is ${to.dimension}`);
  }
  return { value: tidy((quantity.value * from.inBase) / to.inBase), unit };
}

export function compareQuantities(first: Quantity, second: Quantity): number {
  return first.value - convert(second, first.unit).value;
}

export function formatQuantity({ value, unit }: Quantity): string {
  return `${value} ${unit}`;
}

/** Twelve significant digits: far below what a scale can weigh, far above binary noise. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}
