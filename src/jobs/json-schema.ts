import { z } from "zod";
import { settingsSchema } from "../settings-schema.js";
import { connectionName, type JobKinds, jobSchema } from "./schema.js";

const shortForm = z
  .string()
  .describe("Short form: ftp:// ftpes:// ftps:// or sftp:// with user, host, port, directory.");

export type SchemaName = "connections" | "job" | "settings";

/** JSON Schema of what a person writes, for editors and for `ferry schema`. */
export function jsonSchema(
  name: SchemaName,
  kinds: JobKinds & { readonly connections: { readonly schema: z.ZodType } },
): z.core.JSONSchema.BaseSchema {
  const schemas: Readonly<Record<SchemaName, () => z.ZodType>> = {
    connections: () =>
      z.strictObject({
        connections: z.record(connectionName, z.union([shortForm, kinds.connections.schema])).optional(),
      }),
    job: () => jobSchema(kinds),
    settings: () => settingsSchema,
  };
  const { $schema, ...rest } = z.toJSONSchema(schemas[name](), { io: "input", unrepresentable: "any" });
  return { $schema: $schema ?? "https://json-schema.org/draft/2020-12/schema", title: `Ferry: ${name}`, ...rest };
}
