import type { RunPlan } from '../runner/run.ts';
import type { Io } from './io.ts';

/** What `--dry` shows: each task, its key, and what would happen to it. */
export function printPlan({ graph, keys, foreseen }: RunPlan, format: 'text' | 'json', io: Io): void {
  const rows = graph.tasks.map((task) => {
    const { key, inputs } = keys.get(task.id) ?? { key: undefined, inputs: undefined };
    return {
      task: task.id,
      package: task.package.name,
      directory: task.package.directory,
      command: task.command?.steps.map(({ line }) => line) ?? [],
      key,
      foreseen: foreseen.get(task.id),
      requested: graph.requested.has(task.id),
      dependencies: task.dependencies.map(({ id }) => id),
      outputs: task.outputs,
      inputs: Object.fromEntries((inputs?.files ?? []).map(([path, , digest]) => [path, digest])),
      // Names only: values may be secrets.
      environment: inputs?.envKeys.map(([name]) => name) ?? [],
    };
  });
  if (format === 'json') {
    io.stdout.write(`${JSON.stringify({ tasks: rows }, null, 2)}\n`);
    return;
  }
  const shown = rows.filter(({ command }) => command.length > 0);
  const width = Math.max(0, ...shown.map(({ task }) => task.length));
  for (const { task, key, foreseen: what, command } of shown) {
    io.stdout.write(
      `${task.padEnd(width)}  ${key?.slice(0, 12)}  ${(what ?? '').padEnd(9)}  ${command.join(' && ')}\n`,
    );
  }
}
