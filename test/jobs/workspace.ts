import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import { duration } from "../../src/base/units.js";
import { type Kinds, loadDefinitions } from "../../src/jobs/load.js";
import { triggerKinds } from "../../src/scheduler/registry.js";
import type { TaskKind } from "../../src/tasks/task.js";

const run = async (): Promise<never> => Promise.reject(new Error("not run in these tests"));
const kind = <S extends z.ZodType>(type: string, schema: S, lazy: readonly string[] = []): TaskKind<string, S> => ({
  type,
  schema,
  description: `${type}.`,
  lazy: lazy as never,
  repeatable: true,
  run,
});

const selection = { from: z.union([z.string(), z.array(z.string())]).optional() };

/** Small kinds, so that these tests do not change with the real ones. */
export const kinds: Kinds<Connection> = {
  tasks: [
    kind(
      "upload",
      z.strictObject({
        connection: z.string(),
        ...selection,
        to: z.string().optional(),
        name: z.string().optional(),
        ifExists: z.enum(["fail", "overwrite", "skip", "newer", "rename"]).default("fail"),
        publish: z.union([z.enum(["rename", "direct"]), z.strictObject({ temporary: z.string() })]).default("rename"),
        createDirectories: z.boolean().default(false),
        after: z
          .union([
            z.enum(["keep", "delete"]),
            z.strictObject({ move: z.string() }),
            z.strictObject({ rename: z.string() }),
          ])
          .default("keep"),
      }),
      ["from", "to", "name", "publish", "after"],
    ),
    kind(
      "download",
      z.strictObject({ connection: z.string(), ...selection, to: z.string().optional(), name: z.string().optional() }),
      ["from", "to", "name"],
    ),
    kind(
      "compress",
      z.strictObject({ ...selection, to: z.string().optional(), format: z.enum(["gzip", "zstd"]).default("gzip") }),
      ["from", "to"],
    ),
    kind(
      "exec",
      z.strictObject({
        command: z.array(z.string()).min(1),
        env: z.record(z.string(), z.string()).default({}),
        input: z.string().optional(),
      }),
    ),
  ],
  triggers: triggerKinds as never,
  connections: {
    schema: z.union([
      z
        .string()
        .regex(/^(ftp|ftpes|ftps|sftp):\/\//, "expected an address such as ftpes://user@host/folder")
        .transform((url) => ({ protocol: "ftp" as const, url })),
      z.strictObject({
        protocol: z.enum(["ftp", "sftp", "local"]).default("ftp"),
        address: z.string().optional(),
        port: z.int().min(1).max(65535).optional(),
        username: z.string().optional(),
        password: z.string().optional(),
        directory: z.string().optional(),
        jumpHost: z.string().optional(),
        afterLogin: z.array(z.string()).default([]),
        timeout: z
          .union([duration.transform((ms) => ({ connect: ms })), z.strictObject({ connect: duration.default(30_000) })])
          .optional(),
        encryption: z
          .strictObject({
            protocol: z.enum(["none", "ssl", "tls"]).default("tls"),
            mode: z.enum(["explicit", "implicit"]).default("explicit"),
          })
          .prefault({}),
      }),
    ]),
    warnings: (definition) =>
      "encryption" in definition && definition.encryption.protocol === "none"
        ? [
            {
              path: ["encryption", "protocol"],
              code: "FERRY_KEY_UNUSED",
              message: "plain FTP: everybody on the way can read the password",
              hint: "set `encryption.protocol: tls`",
              security: true,
            },
          ]
        : [],
  },
};
export type Connection =
  | { readonly protocol: "ftp"; readonly url: string }
  | { readonly protocol: "ftp" | "sftp" | "local"; readonly encryption: { readonly protocol: string } };

export const BANK = "connections:\n  bank: { protocol: ftp, address: ftp.bank.example, username: acme }\n";

/** The definitions in a workspace of its own, which is gone afterwards. `connections.yaml` is there by default. */
export function load(
  files: Readonly<Record<string, string | Buffer>>,
  options: { secretNames?: readonly string[]; change?: (root: string) => void; kinds?: Kinds<unknown> } = {},
) {
  const root = mkdtempSync(join(tmpdir(), "ferry-jobs-"));
  try {
    for (const [file, text] of Object.entries({ "connections.yaml": BANK, ...files })) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    options.change?.(root);
    return {
      root,
      ...loadDefinitions({
        workspace: root,
        kinds: options.kinds ?? (kinds as Kinds<unknown>),
        secretNames: options.secretNames ?? ["bank", "chat-url"],
        now: new Date("2026-11-20T12:00:00Z"),
      }),
    };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
