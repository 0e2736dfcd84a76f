import { type Stats, statSync } from "node:fs";
import { systemCode } from "../base/errors.js";
import { userName } from "./state.js";

export interface Unsafe {
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly hint: string;
}

/** What is wrong with the permissions of a definition: whoever may write it decides what Ferry sends where. */
export function unsafePermissions(path: string, shown: string, user: number | undefined): Unsafe | undefined {
  if (process.platform === "win32") return undefined;
  const found = look(path);
  if (found === undefined) return undefined;
  if (user !== undefined && found.uid !== user && found.uid !== 0) {
    const owner = userName(found.uid);
    return {
      severity: "error",
      message: `${shown} belongs to ${owner}, who may write it`,
      hint: `chown it to ${userName(user)}`,
    };
  }
  // In a folder with the sticky bit only the owner of a file can replace it.
  const sticky = found.isDirectory() && (found.mode & 0o1000) !== 0;
  if ((found.mode & 0o002) !== 0 && !sticky) {
    return { severity: "error", message: `everybody may write ${shown}`, hint: `chmod o-w ${shown}` };
  }
  if ((found.mode & 0o020) !== 0 && !sticky) {
    return { severity: "warning", message: `the group may write ${shown}`, hint: `chmod g-w ${shown}` };
  }
  return undefined;
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (systemCode(error) !== undefined) return undefined;
    throw error;
  }
}
