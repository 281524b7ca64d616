import { stringify } from 'yaml';
import type { DetectedRepository, SuggestedTask } from './detect-repository.ts';

/** The text of a new `velocity.yml`. */
export function velocityFileText(
  { findings, packages, tasks }: DetectedRepository,
  schemaUrl: string,
): string {
  const seen = findings.length > 0 ? findings.join(', ') : 'no workspace that is known here';
  const head = [
    `# yaml-language-server: $schema=${schemaUrl}`,
    `# Found: ${seen}. Check the outputs: what is not listed is not restored.`,
    '',
    'version: 1',
    '',
    '# The shared cache. Start one with: VC_AUTH_TOKEN=… velocity serve',
    'remote:',
    '  enabled: false',
    '  url: http://127.0.0.1:8080',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the file interpolates it, not this program
    '  token: ${VELOCITY_TOKEN}',
    '',
  ].join('\n');
  const body: Record<string, unknown> = {};
  if (packages.length > 0) body['packages'] = packages;
  body['pipeline'] = Object.fromEntries(
    (tasks.length > 0 ? tasks : [EXAMPLE]).map((task) => [task.name, settingsOf(task)]),
  );
  return `${head}\n${stringify(body, { lineWidth: 0 })}`;
}

/** A file without a task would be a mistake. */
const EXAMPLE: SuggestedTask = {
  name: 'build',
  dependsOn: ['^build'],
  outputs: ['dist/**'],
  envKeys: [],
  cache: true,
};

function settingsOf({
  command,
  dependsOn,
  inputs,
  outputs,
  envKeys,
  cache,
}: SuggestedTask): Record<string, unknown> {
  return {
    ...(command === undefined ? {} : { command }),
    ...(dependsOn.length > 0 ? { depends_on: dependsOn } : {}),
    ...(inputs === undefined ? {} : { inputs }),
    ...(outputs.length > 0 ? { outputs } : {}),
    ...(envKeys.length > 0 ? { env_keys: envKeys } : {}),
    ...(cache ? {} : { cache }),
  };
}
