import type { JsonSchema } from './kinds.ts';
import type { NamedSettings } from './named-settings.ts';
import type { SectionAliases } from './section-alias.ts';
import type { Setting, Settings } from './setting.ts';

interface MutableNode {
  type: 'object';
  additionalProperties: false;
  properties: Record<string, unknown>;
}

/** JSON Schema (draft-07, which editors' YAML support reads) of the file that holds these settings. */
export function settingsSchema(
  title: string,
  settings: Settings,
  named: readonly NamedSettings[] = [],
  aliases: SectionAliases = {},
): JsonSchema {
  const root = section();
  for (const setting of Object.values(settings)) put(root, setting.key, leafSchema(setting));
  for (const each of named) put(root, each.key, namedSchema(each));
  for (const [alias, name] of Object.entries(aliases))
    root.properties[alias] = { $ref: `#/properties/${name}` };
  return { $schema: 'http://json-schema.org/draft-07/schema#', title, ...root };
}

function put(root: MutableNode, key: string, schema: JsonSchema): void {
  const path = key.split('.');
  const leaf = path.pop() ?? '';
  let node = root;
  for (const step of path) {
    node.properties[step] ??= section();
    node = node.properties[step] as MutableNode;
  }
  node.properties[leaf] = schema;
}

function section(): MutableNode {
  return { type: 'object', additionalProperties: false, properties: {} };
}

function leafSchema({ kind, doc, default: fallback }: Setting<unknown>): JsonSchema {
  // As it is written in the file: `15m`, which the kind reads back, not `900000`.
  const written = fallback === undefined ? undefined : (kind.show?.(fallback) ?? fallback);
  return {
    ...orNull(kind.schema),
    description: doc,
    ...(written === undefined ? {} : { default: written }),
  };
}

/** In a file `null` says that a setting is not set there. */
function orNull({ type, enum: choices, ...schema }: JsonSchema): JsonSchema {
  return {
    type: [type, 'null'].flat(),
    ...(Array.isArray(choices) ? { enum: [...choices, null] } : {}),
    ...schema,
  };
}

/** What is required may be in the environment, so it is not required of the file; but the type tells the rest apart. */
function namedSchema({ doc, names, common, types }: NamedSettings): JsonSchema {
  return {
    type: ['object', 'null'],
    description: doc,
    propertyNames: { pattern: names.source },
    additionalProperties: types
      ? {
          oneOf: Object.entries(types).map(([type, own]) => ({
            ...section(),
            required: ['type'],
            properties: { type: { const: type }, ...fieldsOf({ ...common, ...own }) },
          })),
        }
      : { ...section(), type: ['object', 'null'], properties: fieldsOf(common) },
  };
}

function fieldsOf(settings: Settings): JsonSchema {
  return Object.fromEntries(Object.values(settings).map((setting) => [setting.key, leafSchema(setting)]));
}
