import { z } from "zod";
import type { Driver } from "./driver.js";
import { ftpDriver } from "./ftp/driver.js";
import { ftpUnsupported, ftpWarnings } from "./ftp/warnings.js";
import { localDriver } from "./local/driver.js";
import { sftpDriver } from "./sftp/driver.js";
import { sftpWarnings } from "./sftp/warnings.js";
import type { ConnectionWarning } from "./warning.js";

/** Every protocol: one line each. */
export const drivers = [ftpDriver, sftpDriver, localDriver] as const;

/** A connection as it is written as a block. */
const definitionSchema = z.discriminatedUnion("protocol", [ftpDriver.schema, sftpDriver.schema, localDriver.schema], {
  error: () => `expected one of ${drivers.map(({ type }) => type).join(", ")}`,
});

/** A connection as it may be written: a block, or the short form `ftpes://user@host/folder`. */
export const connectionSchema = z.preprocess(
  (written, context) => withProtocol(typeof written === "string" ? fromShortForm(written, context) : written),
  definitionSchema,
);

export type ConnectionDefinition = z.output<typeof definitionSchema>;

/** What the loader of definitions needs. */
export const connectionKinds = { schema: connectionSchema, warnings: connectionWarnings };

/** The driver of a definition's protocol. */
export function driverOf(definition: ConnectionDefinition): Driver {
  const driver = drivers.find(({ type }) => type === definition.protocol);
  // The schema has no other protocols; and each driver is only given what its own schema made.
  return driver as unknown as Driver;
}

/** What is unused, not yet supported, or unsafe in a definition. */
function connectionWarnings(definition: ConnectionDefinition, written?: unknown): readonly ConnectionWarning[] {
  switch (definition.protocol) {
    case "ftp":
      return [...ftpWarnings(definition, written), ...ftpUnsupported(definition), ...withoutEffect(definition)];
    case "sftp":
      return [...sftpWarnings(definition), ...withoutEffect(definition)];
    case "local":
      return [];
  }
}

interface Paced {
  readonly bandwidth?: number | undefined;
  readonly threads: { readonly upload: number; readonly download: number };
}

/** Keys that neither driver heeds yet. */
function withoutEffect({ bandwidth, threads }: Paced): readonly ConnectionWarning[] {
  const later = (key: string, instead: string): ConnectionWarning => ({
    path: [key],
    code: "FERRY_NOT_SUPPORTED",
    message: `\`${key}\` has no effect in this version: ${instead}`,
    hint: "remove the key, or leave it for a later version",
    security: false,
  });
  return [
    ...(bandwidth === undefined ? [] : [later("bandwidth", "nothing is slowed down")]),
    ...(threads.upload + threads.download === 2 ? [] : [later("threads", "each run has one session")]),
  ];
}

/** `protocol: ftp` is the default. */
function withProtocol(written: unknown): unknown {
  const isBlock = typeof written === "object" && written !== null && !Array.isArray(written);
  return isBlock && !("protocol" in written) ? { ...written, protocol: "ftp" } : written;
}

interface ShortForm {
  readonly protocol: "ftp" | "sftp";
  readonly encryption?: { readonly protocol?: "none"; readonly mode?: "implicit" };
}

const SHORT_FORMS: Readonly<Record<string, ShortForm>> = {
  "ftp:": { protocol: "ftp", encryption: { protocol: "none" } },
  "ftpes:": { protocol: "ftp" },
  "ftps:": { protocol: "ftp", encryption: { mode: "implicit" } },
  "sftp:": { protocol: "sftp" },
};

const EXAMPLE = "ftpes://user@host:port/directory";

/** `ftpes://acme@ftp.partner.example/incoming` as a block. No message repeats a password. */
function fromShortForm(text: string, context: z.RefinementCtx): unknown {
  const fail = (message: string, hint?: string): never => {
    context.addIssue({ code: "custom", message, ...(hint && { params: { hint } }) });
    return z.NEVER;
  };
  const form = SHORT_FORMS[/^[a-z]+:/i.exec(text)?.[0].toLowerCase() ?? ""];
  const url = form && URL.canParse(text) ? new URL(text) : undefined;
  if (!form || !url?.hostname || url.search !== "" || url.hash !== "") {
    const shown = JSON.stringify(text.replace(/:\/\/.*@/, "://********@"));
    return fail(
      `a short form such as ${EXAMPLE} is needed (ftp, ftpes, ftps or sftp; ? and # as %3F and %23), found ${shown}`,
    );
  }
  const { username, password, hostname, port, pathname } = url;
  if (password !== "") {
    return fail(
      "found a password in the short form, where it does not belong",
      "take it out, and store it with `ferry secret set NAME`, NAME being the connection's",
    );
  }
  return {
    ...form,
    address: hostname.replace(/^\[|\]$/g, ""),
    ...(port !== "" && { port: Number(port) }),
    ...(username !== "" && { username: decoded(username) }),
    ...(pathname !== "" && pathname !== "/" && { directory: decoded(pathname) }),
  };
}

/** A per cent sign that is no escape stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
