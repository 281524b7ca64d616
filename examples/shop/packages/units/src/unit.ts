export type Dimension = 'mass' | 'volume' | 'count';

interface UnitFacts {
  readonly dimension: Dimension;
  /** How many of the dimension's base unit (gram, millilitre, piece) one of these is. */
  readonly inBase: number;
}

export const UNITS = {
  mg: { dimension: 'mass', inBase: 0.001 },
  g: { dimension: 'mass', inBase: 1 },
  kg: { dimension: 'mass', inBase: 1000 },
  oz: { dimension: 'mass', inBase: 28.349523125 },
  lb: { dimension: 'mass', inBase: 453.59237 },
  ml: { dimension: 'volume', inBase: 1 },
  cl: { dimension: 'volume', inBase: 10 },
  l: { dimension: 'volume', inBase: 1000 },
  floz: { dimension: 'volume', inBase: 29.5735295625 },
  pc: { dimension: 'count', inBase: 1 },
  dozen: { dimension: 'count', inBase: 12 },
} as const satisfies Record<string, UnitFacts>;

export type Unit = keyof typeof UNITS;

export function isUnit(name: string): name is Unit {
  return Object.hasOwn(UNITS, name);
}

/** The unit in which shelf prices of a dimension are compared. */
export const COMPARISON_UNIT = { mass: 'kg', volume: 'l', count: 'pc' } as const satisfies Record<
  Dimension,
  Unit
>;
