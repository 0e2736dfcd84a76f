import { stripVTControlCharacters } from "node:util";
import { play } from "./story.js";

/** `npm run demo`: exit code 0 when everything was as it should be, 130 after Ctrl-C, else 1. Leaves nothing behind. */

/** The demo takes a quarter of it. */
const DEADLINE_MS = 120_000;

const ending = new AbortController();
const end = (reason: string): void => ending.abort(new Error(reason));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => end("interrupted"));
process.stdout.on("error", () => end("nobody reads the output any more"));
const deadline = setTimeout(() => end(`the demo did not end within ${DEADLINE_MS / 1000} s`), DEADLINE_MS);

try {
  await play(ending.signal);
} catch (error) {
  const known = ending.signal.aborted ? ending.signal.reason : error;
  const message = known instanceof Error ? known.message : String(known);
  console.error(`\ndemo: ${stripVTControlCharacters(message)}`);
  process.exitCode = message === "interrupted" ? 130 : 1;
} finally {
  clearTimeout(deadline);
}
