import { posix } from 'node:path';
import picomatch from 'picomatch';
import { VelocityError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import type { Package } from '../workspace/package.ts';
import type { PackageGraph } from '../workspace/package-graph.ts';

/**
 * The packages that `--filter` leaves, by name or by folder:
 *
 *     web           @shop/*         name, or glob of names
 *     ./apps/web    ./apps/*        folder from the workspace root, or glob of folders
 *     web...        ...web          and all it depends on / and all that depend on it
 *     !web                          taken out again
 *
 * Several filters add up. None leaves all.
 * @throws VelocityError `USAGE` for a filter that means no package.
 */
export function filterPackages(graph: PackageGraph, filters: readonly string[]): readonly Package[] {
  const adding = filters.filter((filter) => !filter.startsWith('!'));
  const chosen = new Set(
    adding.length === 0 ? graph.packages : adding.flatMap((filter) => meaning(graph, filter)),
  );
  for (const filter of filters) {
    if (filter.startsWith('!')) for (const each of meaning(graph, filter.slice(1))) chosen.delete(each);
  }
  return graph.packages.filter((each) => chosen.has(each));
}

function meaning(graph: PackageGraph, filter: string): Package[] {
  const withDependents = filter.startsWith('...');
  const withDependencies = filter.endsWith('...');
  const pattern = filter.replace(/^\.\.\./, '').replace(/\.\.\.$/, '');
  const found = pattern === '' ? [] : graph.packages.filter(matcherOf(pattern));
  if (found.length === 0) {
    const hint = namesFolder(pattern) ? '' : didYouMean(pattern, graph.names);
    throw new VelocityError('USAGE', `--filter ${filter} means no package of this workspace${hint}.`);
  }
  return found.flatMap((each) => [
    each,
    ...(withDependencies ? graph.withDependencies(each) : []),
    ...(withDependents ? graph.withDependents(each) : []),
  ]);
}

function matcherOf(pattern: string): (each: Package) => boolean {
  if (namesFolder(pattern)) {
    const matches = picomatch(posix.normalize(pattern).replace(/\/$/, ''), { dot: true });
    return ({ directory }) => matches(directory === '' ? '.' : directory);
  }
  const matches = picomatch(pattern, { dot: true });
  return ({ name, directory }) => matches(name) || name === pattern || directory === pattern;
}

function namesFolder(pattern: string): boolean {
  return /^\.{1,2}(?:\/|$)/.test(pattern);
}
