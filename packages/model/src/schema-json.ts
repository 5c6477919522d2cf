/** The JSON Schema of a declaration, made from the schema that validates it: docs/reference/rebake.schema.json. */
import type { z } from 'zod';

/** JSON Schema (draft 2020-12) of what a user writes. Loads the validator; start-up does not need it. */
export async function configJsonSchema(): Promise<Readonly<Record<string, unknown>>> {
  const [{ toJSONSchema }, { configSchema }] = await Promise.all([import('zod'), import('./schema.ts')]);
  const made = toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-2020-12',
    unrepresentable: 'any',
  }) as z.core.JSONSchema.JSONSchema;
  const { $schema, ...rest } = made;
  return {
    $schema,
    title: 'rebake',
    description: 'Declaration of DSS releases, base images, container configs and code envs for rebake.',
    ...rest,
    // Exactly one of the two, which the shape of a mapping alone cannot say.
    oneOf: [{ required: ['release'] }, { required: ['releases'] }],
  };
}
