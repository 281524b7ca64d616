import { didYouMean } from '../../base/suggest.ts';
import type { Mistake } from '../../config/mistake.ts';
import type { YamlFile } from '../../config/yaml-file.ts';
import { privateKeyRefusal, publicKeyRefusal } from '../signatures/signing-key.ts';
import { parseTaskReference } from '../task-graph/task-reference.ts';
import type { PackageGraph } from './package-graph.ts';
import { ROOT_NAME } from './packages.ts';
import { normalise } from './path-patterns.ts';
import type { VelocityFile } from './velocity-file.ts';

/** What a schema cannot see: names that point at nothing, patterns that leave the workspace. */
export function checkVelocityFile(file: YamlFile, config: VelocityFile, graph: PackageGraph): Mistake[] {
  return [
    ...remoteMistakes(file, config),
    ...signatureMistakes(file, config),
    ...pipelineMistakes(file, config, graph),
    ...patternMistakes(file, config),
  ];
}

function remoteMistakes(file: YamlFile, { remote }: VelocityFile): Mistake[] {
  if (remote === undefined || remote.enabled === false) return [];
  const at = (key: string) => file.positionOf(['remote', key], 'value');
  if (!remote.url) {
    const message = 'remote.url is missing: name the gateway, or set remote.enabled to false';
    return [{ message, position: at('url') }];
  }
  if (/^https?:\/\//.test(remote.url) && URL.canParse(remote.url)) return [];
  return [
    { message: `remote.url: expected http(s)://host[:port], found "${remote.url}"`, position: at('url') },
  ];
}

/** Also where the remote is off: what is not trusted must not be taken for nothing being demanded. */
function signatureMistakes(file: YamlFile, { remote }: VelocityFile): Mistake[] {
  const mistakes: Mistake[] = [];
  const check = (path: readonly PropertyKey[], refusal: string | undefined): void => {
    const at = ['remote', 'signature', ...path];
    if (refusal !== undefined)
      mistakes.push({ message: `${at.join('.')}: ${refusal}`, position: file.positionOf(at, 'value') });
  };
  const { private_key: privateKey, trusted = [] } = remote?.signature ?? {};
  if (privateKey) check(['private_key'], privateKeyRefusal(privateKey));
  for (const [index, { key }] of trusted.entries()) check(['trusted', index, 'key'], publicKeyRefusal(key));
  return mistakes;
}

function pipelineMistakes(file: YamlFile, { pipeline }: VelocityFile, graph: PackageGraph): Mistake[] {
  const tasks = new Set(Object.keys(pipeline).map((key) => key.split('#').at(-1) ?? key));
  const mistakes: Mistake[] = [];
  const checkPackage = (name: string, path: PropertyKey[], part: 'key' | 'value'): void => {
    if (name === ROOT_NAME || graph.get(name)) return;
    const message = `there is no package "${name}" in this workspace${didYouMean(name, graph.names)}`;
    mistakes.push({ message, position: file.positionOf(path, part) });
  };
  for (const [key, settings] of Object.entries(pipeline)) {
    const [packageName, task] = key.includes('#') ? key.split('#') : [undefined, key];
    if (packageName !== undefined && task !== undefined) checkPackage(packageName, ['pipeline', key], 'key');
    for (const [index, written] of (settings.depends_on ?? []).entries()) {
      const path = ['pipeline', key, 'depends_on', index];
      const reference = parseTaskReference(written);
      if (reference.scope === 'package') checkPackage(reference.packageName, path, 'value');
      if (tasks.has(reference.task)) continue;
      const message = `the pipeline has no task "${reference.task}"${didYouMean(reference.task, tasks)}`;
      mistakes.push({ message, position: file.positionOf(path, 'value') });
    }
  }
  return mistakes;
}

function patternMistakes(file: YamlFile, { pipeline, global }: VelocityFile): Mistake[] {
  const mistakes: Mistake[] = [];
  const check = (patterns: readonly string[] | undefined, path: PropertyKey[], mayAnchor: boolean): void => {
    for (const [index, pattern] of (patterns ?? []).entries()) {
      const bare = pattern.replace(/^!/, '');
      const position = file.positionOf([...path, index], 'value');
      if (bare.split('/').includes('..')) {
        const hint = mayAnchor
          ? 'Write a path from the workspace root with a leading "/".'
          : 'Outputs lie below their package.';
        mistakes.push({ message: `"${pattern}" leaves the package with "..".`, position, hint });
      } else if (!mayAnchor && bare.startsWith('/')) {
        mistakes.push({
          message: `"${pattern}" begins with "/"; outputs lie below their package.`,
          position,
        });
      } else if (!mayAnchor && /^\*\*?(?:\/\*\*?)*$/.test(normalise(bare)) && !pattern.startsWith('!')) {
        mistakes.push({
          message: `"${pattern}" takes the whole package for output, its sources included.`,
          position,
          hint: 'Name the folder the task writes to.',
        });
      }
    }
  };
  for (const [key, { inputs, outputs }] of Object.entries(pipeline)) {
    check(inputs, ['pipeline', key, 'inputs'], true);
    check(outputs, ['pipeline', key, 'outputs'], false);
  }
  check(global?.inputs, ['global', 'inputs'], true);
  return mistakes;
}
