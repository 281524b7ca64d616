import type { JsonSchema } from './kinds.ts';
import type { Settings } from './setting.ts';

interface MutableNode {
  type: 'object';
  additionalProperties: false;
  properties: Record<string, unknown>;
}

/** JSON Schema (draft-07, which editors' YAML support reads) of the file that holds these settings. */
export function settingsSchema(title: string, settings: Settings): JsonSchema {
  const root = section();
  for (const setting of Object.values(settings)) {
    const path = setting.key.split('.');
    const leaf = path.pop() ?? '';
    let node = root;
    for (const step of path) {
      node.properties[step] ??= section();
      node = node.properties[step] as MutableNode;
    }
    // As it is written in the file: `15m`, which the kind reads back, not `900000`.
    const written = setting.default === undefined ? undefined : setting.kind.show?.(setting.default);
    const fallback = setting.default === undefined ? {} : { default: written ?? setting.default };
    node.properties[leaf] = { ...setting.kind.schema, description: setting.doc, ...fallback };
  }
  return { $schema: 'http://json-schema.org/draft-07/schema#', title, ...root };
}

function section(): MutableNode {
  return { type: 'object', additionalProperties: false, properties: {} };
}
