import { z } from "zod";
import { duration, portRange, rate, size } from "../base/units.js";

/** One key of a definition, as the reference shows it. */
export interface KeyRow {
  /** `encryption.mode`, `tasks[].id`. */
  readonly key: string;
  readonly type: string;
  readonly usual: string;
  readonly description: string;
}

type Json = z.core.JSONSchema.BaseSchema;

/** Every key of `schema`, nested ones after the key that holds them. */
export function keysOf(schema: z.ZodType): KeyRow[] {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any", reused: "inline", override: nameUnits });
  return unique(keysBelow(json, ""));
}

const UNITS = new Map<unknown, string>([
  [duration, "duration"],
  [size, "size"],
  [rate, "rate"],
  [portRange, "port range"],
]);

/**
 * What a person writes for a duration is a text; the reference calls it by its name. A default of what is transformed is
 * of no use to a JSON Schema, and of much to a reader.
 */
function nameUnits({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: Json }): void {
  const unit = unitOf(zodSchema);
  if (unit !== undefined) jsonSchema.title = unit;
  const { def } = zodSchema._zod;
  if (def.type === "default") jsonSchema.default ??= def.defaultValue as NonNullable<Json["default"]>; // any value is one
}

/** A schema that was described is a copy with the original as its parent. */
function unitOf(schema: z.core.$ZodType | undefined): string | undefined {
  return schema === undefined ? undefined : (UNITS.get(schema) ?? unitOf(schema._zod.parent));
}

function keysBelow(json: Json, prefix: string): KeyRow[] {
  if (json.title !== undefined) return [];
  const properties = Object.entries(json.properties ?? {}) as [string, Json][];
  const own = properties.flatMap(([name, value]): KeyRow[] => {
    // A key that only other protocols have: written here it is a mistake.
    if (value.not !== undefined) return [];
    const key = prefix === "" ? name : `${prefix}.${name}`;
    const row = { key, type: typeOf(value), usual: usualOf(value), description: value.description ?? "" };
    return [row, ...keysBelow(value, key)];
  });
  const branches = [...(json.anyOf ?? []), ...(json.oneOf ?? []), ...(json.allOf ?? [])] as Json[];
  const items =
    json.items === undefined || typeof json.items === "boolean" || Array.isArray(json.items)
      ? []
      : keysBelow(json.items as Json, `${prefix}[]`);
  const named =
    typeof json.additionalProperties === "object"
      ? keysBelow(json.additionalProperties as Json, `${prefix}.<name>`)
      : [];
  return [...own, ...branches.flatMap((branch) => keysBelow(branch, prefix)), ...items, ...named];
}

/** `text`, `true or false`, `rename, direct or block`. */
function typeOf(json: Json): string {
  if (json.title !== undefined) return json.title;
  if (json.const !== undefined) return `\`${String(json.const)}\``;
  if (json.enum !== undefined) return words(json.enum.map((value) => `\`${String(value)}\``));
  const branches = (json.anyOf ?? json.oneOf) as Json[] | undefined;
  if (branches !== undefined) {
    const types = [...new Set(branches.map(typeOf))];
    return words(types.length > 1 ? types.filter((type) => type !== "any") : types);
  }
  if (json.type === "array") return `list of ${typeOf((json.items ?? {}) as Json)}`;
  const type = String(json.type ?? "any");
  return TYPES[type] ?? type;
}

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  boolean: "true or false",
  integer: "number",
  number: "number",
  object: "block",
};

function words(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "any") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

function usualOf(json: Json): string {
  const value: unknown = json.default;
  if (value === undefined || value === "") return "";
  if (typeof value === "number" && typeOf(json).includes("duration")) return writeDuration(value);
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) && value.length > 0 ? `[${value.join(", ")}]` : "";
}

function writeDuration(ms: number): string {
  for (const [unit, length] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
  ] as const) {
    if (ms >= length && ms % length === 0) return `${ms / length}${unit}`;
  }
  return `${ms}ms`;
}

/** A union's branches may say the same key twice. */
function unique(rows: readonly KeyRow[]): KeyRow[] {
  return [...new Map(rows.toReversed().map((row) => [row.key, row])).values()].toReversed();
}
