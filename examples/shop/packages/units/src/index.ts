export {
  compareQuantities,
  convert,
  dimensionOf,
  formatQuantity,
  parseQuantity,
  type Quantity,
} from './quantity.ts';
export { COMPARISON_UNIT, type Dimension, isUnit, UNITS, type Unit } from './unit.ts';
