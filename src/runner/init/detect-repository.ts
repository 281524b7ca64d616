import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { parseTaskReference } from '../task-graph/task-reference.ts';
import { MANIFEST_FILES, readManifest } from '../workspace/manifests.ts';
import { detectPackageManager } from '../workspace/package-manager.ts';
import { discoverPackages, ROOT_NAME } from '../workspace/packages.ts';
import { listVisibleFiles, type VisibleFile } from '../workspace/visible-files.ts';

/** A task that a new `velocity.yml` should have, and where that was seen. */
export interface SuggestedTask {
  readonly name: string;
  readonly command?: string;
  readonly dependsOn: readonly string[];
  readonly outputs: readonly string[];
  readonly inputs?: readonly string[];
  readonly envKeys: readonly string[];
  readonly cache: boolean;
}

export interface DetectedRepository {
  /** What was found, for people: `npm workspace of 12 packages`, `turbo.json`. */
  readonly findings: readonly string[];
  /** Folders of packages that no package manager's workspace names. */
  readonly packages: readonly string[];
  readonly tasks: readonly SuggestedTask[];
}

/** Output folders that tools of the JavaScript world use, by what gives the tool away. */
const KNOWN_OUTPUTS: readonly (readonly [trace: string, outputs: readonly string[]])[] = [
  ['next.config', ['.next/**', '!.next/cache/**']],
  ['nuxt.config', ['.output/**', '.nuxt/**']],
  ['svelte.config', ['.svelte-kit/**', 'build/**']],
];

/** Scripts that make sense as tasks; what starts a server or a watcher does not. */
const TASK_SCRIPTS = ['build', 'test', 'lint', 'typecheck'] as const;

/** Looks at a repository and says what its `velocity.yml` should say. Reads, and never runs, anything. */
export async function detectRepository(root: string, env: NodeJS.ProcessEnv): Promise<DetectedRepository> {
  const { files } = await listVisibleFiles(root, env);
  const has = (name: string): boolean => existsSync(join(root, name));
  const findings: string[] = [];
  const tasks = new Map<string, SuggestedTask>();
  const packages: string[] = [];

  const manager = await detectPackageManager(root, has);
  if (manager) {
    const found = await discoverPackages({
      root,
      files,
      workspaceGlobs: manager.workspaceGlobs,
      packageGlobs: [],
    });
    const inner = found.length - 1;
    const count = `${inner} ${inner === 1 ? 'package' : 'packages'}`;
    findings.push(inner > 0 ? `${manager.name} workspace with ${count}` : `a single ${manager.name} package`);
    const scripts = new Set(found.flatMap(({ manifest }) => Object.keys(manifest.scripts)));
    const outputs = javascriptOutputs(files.map(({ path }) => path));
    for (const name of TASK_SCRIPTS)
      if (scripts.has(name)) tasks.set(name, scriptTask(name, outputs, scripts.has('build')));
  }
  if (has('turbo.json')) {
    findings.push('turbo.json');
    for (const task of readTurbo(join(root, 'turbo.json'))) tasks.set(task.name, task);
  }
  if (has('nx.json')) {
    findings.push('nx.json');
    for (const task of readNx(join(root, 'nx.json'))) if (!has('turbo.json')) tasks.set(task.name, task);
  }

  for (const language of LANGUAGES) {
    const folders = files.flatMap(({ path }) =>
      posix.basename(path) === language.manifest ? [posix.dirname(path)] : [],
    );
    const distinct = language.isWorkspaceAtRoot && folders.includes('.') ? ['.'] : folders;
    if (distinct.length === 0) continue;
    findings.push(
      `${language.name} (${distinct.length === 1 ? language.manifest : `${distinct.length} × ${language.manifest}`})`,
    );
    packages.push(...distinct.filter((folder) => folder !== '.'));
    for (const folder of distinct) {
      // A JavaScript package beside it keeps the plain name; the folder's own task says whose it is.
      const owner = folder === '.' ? ROOT_NAME : await packageNameOf(root, folder, files);
      if (/[#^\s]/.test(owner)) continue; // no task can be named so
      for (const [name, task] of Object.entries(language.tasks(join(root, folder))))
        tasks.set(`${owner}#${name}`, { ...task, name: `${owner}#${name}` });
    }
  }
  return { findings, packages: [...new Set(packages)], tasks: withoutUnknown([...tasks.values()]) };
}

/** What another tool lets tasks depend on may be no task here: a server, or one that only its plugins know. */
function withoutUnknown(tasks: readonly SuggestedTask[]): SuggestedTask[] {
  const known = new Set(tasks.map(({ name }) => parseTaskReference(name).task));
  return tasks.map((task) => ({
    ...task,
    dependsOn: task.dependsOn.filter((written) => known.has(parseTaskReference(written).task)),
  }));
}

function scriptTask(name: string, outputs: readonly string[], hasBuild: boolean): SuggestedTask {
  const plain = { name, outputs: [], envKeys: [], cache: true };
  switch (name) {
    case 'build':
      return { ...plain, dependsOn: ['^build'], outputs };
    case 'lint':
      return { ...plain, dependsOn: [] };
    default:
      return {
        ...plain,
        dependsOn: hasBuild ? ['build'] : [],
        ...(name === 'test' ? { outputs: ['coverage/**'] } : {}),
      };
  }
}

function javascriptOutputs(paths: readonly string[]): string[] {
  const known = KNOWN_OUTPUTS.flatMap(([trace, outputs]) =>
    paths.some((path) => posix.basename(path).startsWith(trace)) ? outputs : [],
  );
  return [...new Set(['dist/**', ...known])];
}

interface Language {
  readonly name: string;
  readonly manifest: string;
  /** One manifest at the root builds all the others. */
  readonly isWorkspaceAtRoot: boolean;
  tasks(folder: string): Readonly<Record<string, Omit<SuggestedTask, 'name'>>>;
}

const PLAIN = { dependsOn: [], outputs: [], envKeys: [], cache: true } as const;

const LANGUAGES: readonly Language[] = [
  {
    name: 'Rust',
    manifest: 'Cargo.toml',
    isWorkspaceAtRoot: true,
    tasks: () => ({
      // Cargo keeps its own state below target/; the finished programs are what is worth keeping.
      build: {
        ...PLAIN,
        command: 'cargo build --release',
        outputs: ['target/release/*', '!target/release/.*'],
        envKeys: ['RUSTFLAGS', 'CARGO_*'],
      },
      test: { ...PLAIN, command: 'cargo test', envKeys: ['RUSTFLAGS', 'CARGO_*'] },
    }),
  },
  {
    name: 'Go',
    manifest: 'go.mod',
    isWorkspaceAtRoot: false,
    tasks: () => ({
      build: {
        ...PLAIN,
        command: 'go build -o bin/ ./...',
        outputs: ['bin/**'],
        envKeys: ['GOFLAGS', 'GOOS', 'GOARCH', 'CGO_ENABLED'],
      },
      test: { ...PLAIN, command: 'go test ./...', envKeys: ['GOFLAGS', 'GOOS', 'GOARCH', 'CGO_ENABLED'] },
    }),
  },
  {
    name: 'Python',
    manifest: 'pyproject.toml',
    isWorkspaceAtRoot: false,
    tasks: (folder) => pythonTasks(readText(join(folder, 'pyproject.toml'))),
  },
  {
    name: 'Python',
    manifest: 'requirements.txt',
    isWorkspaceAtRoot: false,
    tasks: (folder) =>
      existsSync(join(folder, 'pyproject.toml')) ? {} : { test: { ...PLAIN, command: 'python -m pytest' } },
  },
];

function pythonTasks(manifest: string): Readonly<Record<string, Omit<SuggestedTask, 'name'>>> {
  const usesPoetry = /^\[tool\.poetry/m.test(manifest);
  const run = usesPoetry ? 'poetry run ' : '';
  return {
    build: { ...PLAIN, command: usesPoetry ? 'poetry build' : 'python -m build', outputs: ['dist/**'] },
    test: { ...PLAIN, command: `${run}pytest` },
  };
}

/** https://turborepo.com/docs/reference/configuration: `tasks`, before version 2 `pipeline`. */
function readTurbo(path: string): SuggestedTask[] {
  const json = readJsonWithComments(path);
  const pipeline = asTable(json['tasks'] ?? json['pipeline']);
  const globalEnv = textsOf(json['globalEnv']);
  return Object.entries(pipeline).flatMap(([name, raw]) => {
    const task = asTable(raw);
    if (task['persistent'] === true) return []; // a server, not a task that ends
    const own = textsOf(task['inputs']).map((input) =>
      input.replace('$TURBO_DEFAULT$', '$default').replace(/^(!?)\$TURBO_ROOT\$\//, '$1/'),
    );
    return [
      {
        name: name.replace(/^\/\/#/, '//#'),
        dependsOn: textsOf(task['dependsOn']).filter((dependency) => !dependency.startsWith('$')),
        outputs: textsOf(task['outputs']),
        ...(own.length > 0 ? { inputs: own } : {}),
        envKeys: [...textsOf(task['env']), ...globalEnv].filter((variable) =>
          /^[A-Za-z_]\w*\*?$/.test(variable),
        ),
        cache: task['cache'] !== false,
      },
    ];
  });
}

/** https://nx.dev/reference/nx-json: `targetDefaults`; what it cannot express here is left out. */
function readNx(path: string): SuggestedTask[] {
  const defaults = asTable(readJsonWithComments(path)['targetDefaults']);
  return Object.entries(defaults).flatMap(([name, raw]) => {
    if (!/^[\w-]+$/.test(name)) return []; // an executor's name, not a target's
    const target = asTable(raw);
    const outputs = textsOf(target['outputs']).flatMap((output) =>
      output.startsWith('{projectRoot}/')
        ? [`${output.slice('{projectRoot}/'.length).replace(/\/$/, '')}/**`]
        : [],
    );
    return [
      {
        name,
        dependsOn: textsOf(target['dependsOn']),
        outputs,
        envKeys: [],
        cache: target['cache'] !== false,
      },
    ];
  });
}

/** What the package in a folder will be called, so that its tasks can name it. */
async function packageNameOf(root: string, folder: string, files: readonly VisibleFile[]): Promise<string> {
  const paths = new Set(files.map(({ path }) => path));
  const file = MANIFEST_FILES.find((name) => paths.has(`${folder}/${name}`));
  const { name } = await readManifest(root, folder, file);
  return name ?? posix.basename(folder);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // what is not there or cannot be read tells nothing
  }
}

/** turbo.json and nx.json may hold comments and trailing commas. */
function readJsonWithComments(path: string): Readonly<Record<string, unknown>> {
  const bare = readText(path).replaceAll(
    /("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, text?: string) => text ?? '',
  );
  try {
    const strict = bare.replaceAll(
      /("(?:[^"\\]|\\.)*")|,(\s*[}\]])/g,
      (_, text?: string, close?: string) => text ?? close ?? '',
    );
    return asTable(JSON.parse(strict));
  } catch {
    return {}; // another tool's file is a help, not a condition
  }
}

function asTable(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
