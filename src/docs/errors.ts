import { catalogue } from "../base/error-catalogue.js";
import type { RetryClass } from "../base/errors.js";
import { code, GENERATED, markdownTable, page } from "./markdown.js";

const RETRY: Readonly<Record<RetryClass, string>> = {
  transient: "tried again by `retry`",
  permanent: "fails at once",
  doubt: "held for a person",
  closed: "never tried again by itself",
};

/** docs/reference/errors.md: every code, from the catalogue. */
export function errorsPage(): string {
  const rows = Object.entries(catalogue).map(([name, row]) => [
    `<a id="${name.toLowerCase()}"></a>${code(name)}`,
    row.meaning,
    RETRY[row.retry],
    String(row.exit ?? 1),
    row.hint,
  ]);
  return page(
    [GENERATED],
    ["# Errors"],
    [
      "Every failure is one line, `error[CODE]: what happened`, followed where there is something to say by `where:`, `cause:`",
      "(the server's own words or the system's) and `hint:` (what to change). The same code, cause and hint are in the history.",
      "Codes do not change: scripts may depend on them.",
    ],
    ["## Retry classes"],
    [
      "- **tried again by `retry`**: it may pass. Backs off, within the run's deadline.",
      "- **fails at once**: trying again would end the same way.",
      "- **held for a person**: it may have arrived, so it is not sent again by itself. See `ferry job held`.",
      "- **never tried again by itself**: logins, trust, TLS and policy. Nothing is weakened to make it work.",
    ],
    ["## Codes"],
    markdownTable(["code", "means", "then", "exit", "hint"], rows),
  );
}
