/**
 * Writes the pages and schemas that come from declarations in the code. With `--check` it writes
 * nothing and fails where a committed one differs.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { ERRORS, type ErrorFacts } from '../src/base/errors.ts';
import { isSecretKind } from '../src/config/kinds.ts';
import { envName, flagName, type Setting, type Settings } from '../src/config/setting.ts';
import { settingsSchema } from '../src/config/settings-schema.ts';
import { mountSettings } from '../src/doors/files/mounts/mount-settings.ts';
import { buildServerSchema } from '../src/doors/offload/build-server/recipe-shape.ts';
import { backendSettings } from '../src/doors/proxy/backends/backend-settings.ts';
import { velocityFileSchema } from '../src/runner/workspace/velocity-file.ts';
import { openMetrics } from '../src/server/metrics.ts';
import { serverSectionAliases, serverSettings } from '../src/server/settings.ts';
import { storeSettings } from '../src/storage/bucket-settings.ts';

const GENERATED = '<!-- Written by `npm run docs`. Change the declarations in the code, not this page. -->';

const pages: Readonly<Record<string, string>> = {
  'docs/reference/configuration.md': configurationPage(),
  'docs/reference/errors.md': errorsPage(),
  'docs/reference/metrics.md': await metricsPage(),
  'schema/velocity.json': schemaText({
    title: 'velocity.yml',
    ...z.toJSONSchema(velocityFileSchema, { target: 'draft-7', io: 'input' }),
  }),
  'schema/velocity-builds.json': schemaText({
    title: 'VelocityCache build server',
    ...z.toJSONSchema(buildServerSchema, { target: 'draft-7', io: 'input' }),
  }),
  'schema/velocity-server.json': schemaText(
    settingsSchema(
      'VelocityCache server',
      serverSettings,
      [storeSettings, mountSettings, backendSettings],
      serverSectionAliases,
    ),
  ),
};

const checks = process.argv.includes('--check');
for (const [path, text] of Object.entries(pages)) {
  if (readOrEmpty(path) === text) continue;
  if (checks) {
    console.error(`${path} is not what the code says. Run: npm run docs`);
    process.exitCode = 1;
    continue;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(`wrote ${path}`);
}

function configurationPage(): string {
  const rows = Object.values<Setting<unknown>>(serverSettings).map((setting) => {
    const { key, kind, doc } = setting;
    const env = isSecretKind(kind)
      ? `\`${envName(setting)}\`, \`${envName(setting)}_FILE\``
      : `\`${envName(setting)}\``;
    const aliases = (setting.envAliases ?? []).map((name) => `, also \`${name}\``).join('');
    const flag = isSecretKind(kind) ? '–' : `\`${flagName(setting)}\``;
    const fallback = setting.required
      ? 'required'
      : setting.default === undefined
        ? '–'
        : `\`${show(setting)}\``;
    return `| \`${key}\` | ${env}${aliases} | ${flag} | ${kind.expects} | ${fallback} | ${doc} |`;
  });
  return page('Server settings', [
    'Each setting can be given as a flag, in the environment, or in the YAML files that `--config` names; the first of these that gives it wins, and of several files the last. A dot in a key is a level in YAML: `s3.bucket` is `s3: { bucket: … }`; in the environment it may be two underscores, `VC_S3__BUCKET`, and after `VC__` letters of any size: `VC__s3__bucket`. `null` and an empty variable say that a setting is not set there. `velocity config` prints every value and where it came from. An unknown `VC_…` variable or key is an error.',
    '',
    '`--config env` names no file: then a whole file may be in the variable `VC_CONFIG`, and the variables of cachegate are read as well, `CACHEGATE_CONFIG` with a whole file and `CACHEGATE__S3__BUCKET`. A variable that names one key goes before a whole file, and `VC_…` before `CACHEGATE_…`.',
    '',
    '| key | environment | flag | expects | default | what it does |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    '## Stores',
    '',
    ...storesSection(),
    '',
    '## Mounts',
    '',
    ...mountsSection(),
    '',
    '## Backends',
    '',
    ...backendsSection(),
  ]);
}

function storesSection(): string[] {
  const { key, doc, namesExpect, common, types } = storeSettings;
  const typeNames = Object.keys(types).map((type) => `\`${type}\``);
  const sections = Object.entries<Settings>(types).flatMap(([type, settings]) =>
    Object.values(settings).map((setting) => storeRow(`\`${type}\``, setting)),
  );
  return [
    `${doc} Each is a map below \`${key}\`, and in the environment \`VC_${key.toUpperCase()}__<name>__<SETTING>\` (a secret also \`…_FILE\`), where the name is written as it is; there are no flags. A name is ${namesExpect}, and none that begins an address of the server’s own, such as \`metrics\`.`,
    '',
    '```yaml',
    'stores:',
    '  media:',
    '    type: s3',
    '    bucket: media-of-example',
    '    region: eu-central-1',
    '```',
    '',
    '| type | setting | expects | default | what it is |',
    '|---|---|---|---|---|',
    `| all | \`type\` | ${typeNames.join(' or ')} | required | What kind of storage it is. |`,
    ...Object.values<Setting<unknown>>(common).map((setting) => storeRow('all', setting)),
    ...sections,
  ];
}

function mountsSection(): string[] {
  const { key, doc, namesExpect, common } = mountSettings;
  return [
    `${doc} Each is a map below \`${key}\`. A name is ${namesExpect}.`,
    '',
    '```yaml',
    'files:',
    '  root: /srv/files',
    '  mounts:',
    '    archive: { path: cache/archive, store: media }',
    '```',
    '',
    '| setting | expects | default | what it is |',
    '|---|---|---|---|',
    ...Object.values<Setting<unknown>>(common).map((setting) => storeRow('', setting).replace('|  | ', '| ')),
  ];
}

function backendsSection(): string[] {
  const { key, doc, namesExpect, common } = backendSettings;
  return [
    `${doc} Each is a map below \`${key}\`, and in the environment \`VC_PROXY_BACKENDS__<name>__<SETTING>\`; there are no flags. A name is ${namesExpect}. [The proxy](../doors/proxy.md) says how one is chosen.`,
    '',
    '```yaml',
    'proxy:',
    '  backends:',
    '    api: { url: [api-1:8443, api-2:8443], hosts: api.example.org, probe_path: /health }',
    '```',
    '',
    '| setting | expects | default | what it is |',
    '|---|---|---|---|',
    ...Object.values<Setting<unknown>>(common).map((setting) => storeRow('', setting).replace('|  | ', '| ')),
  ];
}

function storeRow(type: string, setting: Setting<unknown>): string {
  const { key, kind, doc, required } = setting;
  const fallback = required ? 'required' : setting.default === undefined ? '–' : `\`${show(setting)}\``;
  return `| ${type} | \`${key}\` | ${kind.expects} | ${fallback} | ${doc} |`;
}

function show(setting: Setting<unknown>): string {
  return setting.kind.show ? setting.kind.show(setting.default) : String(setting.default);
}

function errorsPage(): string {
  const rows = Object.entries(ERRORS)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { status, summary }]) => `| \`${code}\` | ${status} | ${summary} |`);
  const misuses = Object.entries<ErrorFacts>(ERRORS).flatMap(([code, { isMisuse }]) =>
    isMisuse ? `\`${code}\`` : [],
  );
  return page('Error codes', [
    'Over HTTP an error is a problem body (RFC 9457): `type`, `title`, `status`, `detail`, `code`, where it helps `field`, and `requestId`, which the log lines of the same request carry too. Match on `code`; texts may change. Codes of the command line have no status of their own.',
    '',
    '| code | HTTP status | meaning |',
    '|---|---|---|',
    ...rows,
    '',
    `A command that ends with ${misuses.sort().join(', ')} was called or configured wrongly: its exit code is 2. With any other code it is 1.`,
  ]);
}

async function metricsPage(): Promise<string> {
  const metrics = await openMetrics('0').registry.getMetricsAsJSON();
  const rows = metrics
    .map(({ name, type, help }) => ({ name, type, help }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, type, help }) => `| \`${name}\` | ${String(type)} | ${help} |`);
  return page('Metrics', [
    '`GET /metrics` answers in Prometheus’ text format.',
    '',
    '| name | type | what it tells |',
    '|---|---|---|',
    ...rows,
  ]);
}

function page(title: string, lines: readonly string[]): string {
  return `# ${title}\n\n${GENERATED}\n\n${lines.join('\n')}\n`;
}

function schemaText(schema: unknown): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
