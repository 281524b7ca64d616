import { VelocityError } from '../../../base/errors.ts';

/** @throws VelocityError `BAD_REQUEST` where there is a parameter of another name */
export function onlyParameters(query: URLSearchParams, names: readonly string[]): void {
  for (const name of query.keys())
    if (!names.includes(name))
      throw new VelocityError('BAD_REQUEST', `There is no parameter "${name}" here.`, { field: name });
}

/** @throws VelocityError `BAD_REQUEST` */
export function countParameter(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new VelocityError('BAD_REQUEST', `"${name}" is a whole number, not "${text}".`, { field: name });
}

/** @throws VelocityError `BAD_REQUEST` */
export function flagParameter(query: URLSearchParams, name: string): boolean {
  const text = query.get(name) ?? '0';
  if (text === '1' || text === '0') return text === '1';
  throw new VelocityError('BAD_REQUEST', `"${name}" is 1 or 0, not "${text}".`, { field: name });
}
