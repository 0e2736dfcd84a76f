import { z } from "zod";
import { duration, size } from "../base/units.js";

const patterns = z.union([
  z
    .string()
    .min(1)
    .transform((one) => [one]),
  z.array(z.string().min(1)),
]);

/** The keys of every task that picks files. A task lists `from` among its lazy keys. */
export const selectionFields = {
  from: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .optional()
    .describe("What to take: a path, a glob, {{ files }}, or a list of these. By default the files of the trigger."),
  include: patterns
    .optional()
    .describe("Only names that match one of these globs; with / in it, the path below `from`."),
  exclude: patterns.optional().describe("Not the names that match one of these globs."),
  recursive: z
    .boolean()
    .default(false)
    .describe("Look into the folders below, too; they are kept where files are written."),
  minAge: duration.optional().describe("Only files that were not modified for this long."),
  maxAge: duration.optional().describe("Only files that were modified within this time."),
  minSize: size.optional().describe("Only files of at least this size."),
  maxSize: size.optional().describe("Only files of at most this size."),
  order: z
    .enum(["name", "oldest", "newest", "smallest", "largest"])
    .default("name")
    .describe("The order in which they are taken."),
  limit: z.int().min(1).optional().describe("At most so many files, the first of the order."),
  onEmpty: z
    .enum(["fail", "warn", "succeed"])
    .optional()
    .describe("When nothing matches: fail, warn or succeed. The default is the task's."),
};

const STRONGER: readonly unknown[] = ["hash", "readback"];

/** `verify` of a transfer. */
export const verifyField = z
  .enum(["size", "none"], {
    error: ({ input }) =>
      STRONGER.includes(input) ? "comes in a later version; there are size and none (FERRY_NOT_SUPPORTED)" : undefined,
  })
  .default("size");

export type SelectionSpec = Readonly<z.output<z.ZodObject<typeof selectionFields>>>;
