import { z } from "zod";
import { drivers } from "../connections/registry.js";
import { jobSchema } from "../jobs/schema.js";
import { triggerKinds } from "../scheduler/registry.js";
import { settingsSchema } from "../settings-schema.js";
import { taskKinds } from "../tasks/registry.js";
import { selectionFields } from "../tasks/selection.js";
import type { TaskKind } from "../tasks/task.js";
import { code, GENERATED, markdownTable, page } from "./markdown.js";
import { keysOf } from "./schema-keys.js";

/** docs/reference/definitions.md: every key, from the schemas. */
export function definitionsPage(): string {
  const job = jobSchema({ tasks: taskKinds, triggers: triggerKinds });
  const jobKeys = keysOf(job).filter(({ key }) => !/^(triggers|tasks|onFailure|onSuccess|onFinish)\[\]/.test(key));
  const taskKeys = keysOf(job).filter(({ key }) =>
    /^tasks\[\]\.(id|description|when|forEach|retry(\.\w+)?|timeout|onError)$/.test(key),
  );
  return page(
    [GENERATED],
    ["# Definitions"],
    [
      "Durations are `500ms` `30s` `5m` `1h30m` `2d`, sizes `64KiB` `10MB`, rates `10MiB/s`, port ranges `53000-54999`.",
      "An unknown key is an error. `ferry validate` checks everything at once; `ferry schema` prints JSON Schemas for editors.",
    ],
    ["## ferry.yaml"],
    keyTable(keysOf(settingsSchema)),
    ["## connections.yaml"],
    [
      "Under `connections:` a block of names, each with its definition, or a URL: `ftpes://acme@ftp.partner.example/incoming`.",
    ],
    ...drivers.flatMap((driver) => [[`### ${driver.type}`], keyTable(keysOf(driver.schema))]),
    ["## jobs/*.yaml"],
    keyTable(jobKeys),
    ["## Triggers"],
    ...triggerKinds.flatMap((kind) => [[`### ${kind.type}`], [kind.description], keyTable(keysOf(kind.schema))]),
    ["## Tasks"],
    ["Every task has, beside the key that names its kind:"],
    keyTable(taskKeys.map((each) => ({ ...each, key: each.key.replace("tasks[].", "") }))),
    ["### Files to take"],
    ["What picks files takes these keys:"],
    keyTable(selection),
    ...taskKinds.flatMap((kind) => describeTask(kind)),
  );
}

const selection = keysOf(z.strictObject(selectionFields));

/** The keys that pick files are shown once, for all kinds. */
function describeTask(kind: TaskKind): string[][] {
  const keys = keysOf(kind.schema);
  const picks = selection.every(({ key }) => keys.some((own) => own.key === key));
  const own = picks
    ? keys.filter(
        (row) => !selection.some(({ key, description }) => row.key === key && row.description === description),
      )
    : keys;
  return [
    [`### ${kind.type}`],
    [kind.description],
    picks ? ["Takes what [picks files](#files-to-take), and:"] : [],
    keyTable(own),
  ];
}

function keyTable(keys: ReturnType<typeof keysOf>): string[] {
  return markdownTable(
    ["key", "type", "default", "description"],
    keys.map((each) => [code(each.key), each.type, code(each.usual), each.description]),
  );
}
