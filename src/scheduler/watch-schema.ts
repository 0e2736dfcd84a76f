import { z } from "zod";
import { duration } from "../base/units.js";

const globs = z.array(z.string().min(1));

const options = z
  .strictObject({
    path: z.string().min(1).describe("Folder to watch; a relative one starts at the workspace."),
    include: globs.optional().describe("Names to take; by default all but hidden and temporary ones."),
    exclude: globs.default([]).describe("Names to leave alone."),
    recursive: z
      .boolean()
      .default(false)
      .describe("Whether the folders below count, too; hidden ones and links never do."),
    stable: duration.prefault("5s").describe("A file counts once it has not changed for this long."),
    doneFile: z.string().min(1).optional().describe("A file counts only once this one stands beside it."),
    existing: z.boolean().default(true).describe("Whether files count that are there when the folder is first seen."),
    polling: z
      .union([z.literal(false), duration])
      .default(false)
      .describe("Interval at which to look instead of waiting for events; for network shares."),
    sweep: duration.prefault("60s").describe("Interval of full listings, whatever events say."),
    batch: z
      .strictObject({
        window: duration.prefault("2s").describe("Files that are ready within this time share a run."),
        files: z.int().min(1).max(100_000).default(500).describe("Most files of one run."),
      })
      .prefault({})
      .describe("Which files share a run."),
    empty: z.enum(["accept", "ignore"]).default("accept").describe("What becomes of files of zero bytes."),
    quarantine: z
      .strictObject({ after: z.int().min(1), to: z.string().min(1) })
      .optional()
      .describe("Later: where files go whose runs keep failing."),
  })
  .superRefine(({ sweep, polling }, context) => {
    for (const [key, value] of Object.entries({ sweep, polling })) {
      if (value === 0) context.addIssue({ code: "custom", path: [key], message: "expected an interval above zero" });
    }
  });

const short = z
  .string()
  .min(1)
  .transform((path) => options.parse({ path }));

export const watchSchema = z.strictObject({
  watch: z.union([short, options]).describe("Folder to watch, as its path or with more keys."),
});

export type WatchOptions = z.output<typeof options>;
