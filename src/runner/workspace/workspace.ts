import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, VelocityError } from '../../base/errors.ts';
import { checkShape } from '../../config/check-shape.ts';
import type { Checked, Mistake } from '../../config/mistake.ts';
import { parseYaml, type YamlFile } from '../../config/yaml-file.ts';
import { checkVelocityFile } from './check-velocity-file.ts';
import { LockedPackages } from './locked-packages.ts';
import { PackageGraph } from './package-graph.ts';
import { detectPackageManager, type PackageManager } from './package-manager.ts';
import { discoverPackages, unseenFolders } from './packages.ts';
import { VELOCITY_FILE, type VelocityFile, velocityFileSchema } from './velocity-file.ts';
import { listVisibleFiles, type VisibleFile, type VisibleFiles, withFilesBelow } from './visible-files.ts';
import { withoutPrivateKeys } from './without-private-keys.ts';

/** A repository as the runner sees it. */
export interface Workspace {
  /** Absolute. */
  readonly root: string;
  readonly config: VelocityFile;
  /** The file that `config` was read from, with what was written where. */
  readonly file: YamlFile;
  readonly files: readonly VisibleFile[];
  /** How the files were found; `walk-…` knows nothing of ignored files. */
  readonly filesFrom: VisibleFiles['source'];
  /** Folders of packages that git ignores, though velocity.yml names them: all their files count. */
  readonly ignoredPackages: readonly string[];
  readonly graph: PackageGraph;
  /** `undefined` where the root is no JavaScript project. */
  readonly packageManager: PackageManager | undefined;
  readonly locked: LockedPackages;
  /** Variables that `velocity.yml` uses and that are not set. */
  readonly unsetVariables: readonly string[];
}

/**
 * Reads a workspace. Mistakes in `velocity.yml` come back as values, all at once.
 * @throws VelocityError `WORKSPACE_INVALID` for what cannot be read or is wrong elsewhere, naming the file.
 */
export async function openWorkspace(root: string, env: NodeJS.ProcessEnv): Promise<Checked<Workspace>> {
  const listing = listVisibleFiles(root, env);
  listing.catch(() => {}); // awaited below, after the file's own mistakes
  const text = readVelocityFile(root);
  const mistaken = (mistakes: readonly Mistake[]): Checked<never> => ({
    ok: false,
    mistakes: withoutPrivateKeys(text, mistakes),
  });
  const parsed = parseYaml(VELOCITY_FILE, text, env);
  if (!parsed.ok) return mistaken(parsed.mistakes);
  const shaped = checkShape(parsed.value, velocityFileSchema);
  if (!shaped.ok) return mistaken(shaped.mistakes);
  const config = shaped.value;

  const { files: listed, source: filesFrom } = await listing;
  const ignoredPackages = filesFrom === 'git' ? unseenFolders(root, listed, config.packages ?? []) : [];
  const files = withFilesBelow(listed, root, ignoredPackages);
  const atRoot = new Set(files.flatMap(({ path }) => (path.includes('/') ? [] : [path])));
  const packageManager = await detectPackageManager(
    root,
    (name) => atRoot.has(name) && existsSync(join(root, name)),
  );
  const packages = await discoverPackages({
    root,
    files,
    workspaceGlobs: packageManager?.workspaceGlobs ?? [],
    packageGlobs: config.packages ?? [],
  });
  const graph = new PackageGraph(packages);
  const mistakes = checkVelocityFile(parsed.value, config, graph);
  if (mistakes.length > 0) return mistaken(mistakes);

  const locked = new LockedPackages(root, packageManager?.lockfile, packages);
  const { unsetVariables } = parsed.value;
  return {
    ok: true,
    value: {
      root,
      config,
      file: parsed.value,
      files,
      filesFrom,
      ignoredPackages,
      graph,
      packageManager,
      locked,
      unsetVariables,
    },
  };
}

function readVelocityFile(root: string): string {
  try {
    return readFileSync(join(root, VELOCITY_FILE), 'utf8');
  } catch (error) {
    throw new VelocityError('WORKSPACE_INVALID', `${VELOCITY_FILE} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
