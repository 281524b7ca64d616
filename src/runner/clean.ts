import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Checked } from '../config/mistake.ts';
import { LOCAL_STORE_FOLDERS } from '../storage/drivers/local/local-store.ts';
import { TaskOutputs } from './archiver/outputs.ts';
import { removeOutputs } from './archiver/restore.ts';
import { localCacheFolder } from './local-cache-folder.ts';
import { PackageTasks } from './task-graph/package-tasks.ts';
import { trackedPaths } from './workspace/visible-files.ts';
import { openWorkspace, type Workspace } from './workspace/workspace.ts';

export interface CleanOptions {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly cacheDir: string | undefined;
  /** The local cache and what the runner remembers of earlier runs. */
  readonly cache: boolean;
  /** What the tasks of the pipeline made. */
  readonly outputs: boolean;
  readonly dry: boolean;
}

export interface Removed {
  /** From the workspace root where it lies below it. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** Removes what can be made again. Mistakes in velocity.yml come back as values. */
export async function clean(options: CleanOptions): Promise<Checked<Removed[]>> {
  const opened = await openWorkspace(options.root, options.env);
  if (!opened.ok) return opened;
  const removed: Removed[] = [];
  if (options.outputs) removed.push(...cleanOutputs(opened.value, options.dry));
  if (options.cache) removed.push(...cleanCache(opened.value, options));
  return { ok: true, value: removed };
}

/** Only folders that are ours: `cache.dir` may name one that holds other things too. */
function cleanCache(workspace: Workspace, { env, cacheDir, dry, root }: CleanOptions): Removed[] {
  const cache = localCacheFolder(workspace, env, cacheDir);
  const folders = [...LOCAL_STORE_FOLDERS.map((name) => join(cache, name)), join(root, '.velocity')];
  return folders.flatMap((folder) => {
    const sizeBytes = folderBytes(folder);
    if (sizeBytes === undefined) return [];
    if (!dry) rmSync(folder, { recursive: true, force: true });
    const path = relative(root, folder);
    return [{ path: path.startsWith('..') ? folder : path, sizeBytes }];
  });
}

function cleanOutputs(workspace: Workspace, dry: boolean): Removed[] {
  const { root, graph } = workspace;
  const packageTasks = new PackageTasks(workspace);
  const isTracked = trackedPaths(workspace.files);
  return graph.packages.flatMap((each) => {
    const folder = join(root, each.directory);
    const patterns = packageTasks.outputs(each);
    const outputs = new TaskOutputs({ folder, workspaceRoot: root, patterns, isTracked });
    const prefix = each.directory === '' ? '' : `${each.directory}/`;
    const found = outputs.find();
    if (!dry) removeOutputs({ outputs, folder }, found);
    const removed = found.filter(({ path, tracked }) => !tracked && outputs.matches(path));
    return removed.map(({ path, stats }) => ({ path: prefix + path, sizeBytes: stats.size }));
  });
}

/** `undefined` where there is no such folder. */
function folderBytes(folder: string): number | undefined {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  if (!stats?.isDirectory()) return stats?.size;
  return readdirSync(folder).reduce((sum, name) => sum + (folderBytes(join(folder, name)) ?? 0), 0);
}
