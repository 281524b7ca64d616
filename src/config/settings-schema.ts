import type { JsonSchema } from './kinds.ts';
import type { NamedSettings } from './named-settings.ts';
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
): JsonSchema {
  const root = section();
  for (const setting of Object.values(settings)) {
    const path = setting.key.split('.');
    const leaf = path.pop() ?? '';
    let node = root;
    for (const step of path) {
      node.properties[step] ??= section();
      node = node.properties[step] as MutableNode;
    }
    node.properties[leaf] = leafSchema(setting);
  }
  for (const each of named) root.properties[each.key] = namedSchema(each);
  return { $schema: 'http://json-schema.org/draft-07/schema#', title, ...root };
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
    additionalProperties: {
      oneOf: Object.entries(types).map(([type, own]) => {
        const fields = Object.values({ ...common, ...own }).map((setting) => [
          setting.key,
          leafSchema(setting),
        ]);
        return {
          ...section(),
          required: ['type'],
          properties: { type: { const: type }, ...Object.fromEntries(fields) },
        };
      }),
    },
  };
}
