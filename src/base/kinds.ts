import { z } from "zod";

/** A type of connection, task or trigger: a name, a schema, and (in what extends this) a function. */
export interface Kind<Type extends string = string, Schema extends z.ZodType = z.ZodType> {
  readonly type: Type;
  readonly schema: Schema;
}

/** What a reader of mistakes needs to know of a choice between kinds: which key names the kind, and what may stand beside it. */
export interface KindChoice {
  /** `task`, `trigger`. */
  readonly what: string;
  readonly types: readonly string[];
  /** Keys that every kind has beside its own. */
  readonly common: readonly string[];
  /** Kinds that the interface promises and this version does not have. */
  readonly planned: readonly string[];
}

/** The choices made by `anyOf` and `wholeOf`; the branches of the union have the order of `types`. */
export const kindChoices = z.registry<KindChoice>();

interface ChoiceOptions {
  readonly what: string;
  readonly planned?: readonly string[];
}

/** An object in which exactly one key names the kind and holds its specification, beside `common`: `{ id: push, upload: {…} }`. */
export function anyOf(kinds: readonly Kind[], common: z.core.$ZodLooseShape, options: ChoiceOptions): z.ZodType {
  const branches = kinds.map((kind) => z.strictObject({ ...common, [kind.type]: kind.schema }));
  return choice(branches, kinds, Object.keys(common), options);
}

/** An object (or a text) that a kind's schema parses as a whole, the kind's key with its siblings: `{ cron: '0 2 * * *', missed: all }`. */
export function wholeOf(kinds: readonly Kind[], options: ChoiceOptions): z.ZodType {
  return choice(
    kinds.map((kind) => kind.schema),
    kinds,
    [],
    options,
  );
}

function choice(
  branches: z.ZodType[],
  kinds: readonly Kind[],
  common: readonly string[],
  options: ChoiceOptions,
): z.ZodType {
  const union = z.union(branches);
  kindChoices.add(union, {
    what: options.what,
    types: kinds.map((kind) => kind.type),
    common,
    planned: options.planned ?? [],
  });
  return union;
}
