import { type ErrorRow, errorRow as e } from "./error-row.js";

/** What can go wrong on this side: definitions, the agent and its store, runs, local files. */
export const rowsHere = {
  // definitions and the command line
  FERRY_USAGE: e("permanent", "The command's arguments are wrong.", "see the command with --help", 2),
  FERRY_NO_WORKSPACE: e(
    "permanent",
    "No workspace was found.",
    "run `ferry init`, or name the folder with --workspace",
    2,
  ),
  FERRY_DEFINITION: e(
    "permanent",
    "A definition is wrong.",
    "run `ferry validate`, which lists every mistake with its line",
    2,
  ),
  FERRY_TEMPLATE: e("permanent", "A template could not be evaluated.", "correct the text between {{ and }}"),
  FERRY_KEY_UNUSED: e(
    "permanent",
    "A key has no effect in this combination.",
    "remove it, or change the key that makes it unused",
  ),
  FERRY_SECURITY: e(
    "permanent",
    "A definition weakens what protects the connection.",
    "see the message; `policy: strict` makes it an error",
  ),
  FERRY_NOT_SUPPORTED: e(
    "permanent",
    "The definition asks for something that this version cannot do yet.",
    "remove the key, or use the value that the message names",
    2,
  ),
  FERRY_NOT_FOUND: e(
    "permanent",
    "There is no such job, run, connection or secret.",
    "the message names what there is",
    4,
  ),
  FERRY_WRONG_USER: e(
    "permanent",
    "The workspace belongs to another user.",
    "run the command as the owner that the message names",
    2,
  ),
  FERRY_UNSAFE_PERMISSIONS: e(
    "closed",
    "Others may write or read what they must not.",
    "take the permission away with chmod",
    2,
  ),
  // agent, workspace, storage
  FERRY_AGENT_NOT_RUNNING: e(
    "permanent",
    "The command needs the agent, and none is running.",
    "start it with `ferry agent`",
    3,
  ),
  FERRY_WORKSPACE_HELD: e("permanent", "Another process works on this workspace.", "wait until it ends, or stop it", 3),
  FERRY_AGENT_REFUSED: e("permanent", "The agent could not do what was asked.", "see the agent's log in .ferry/logs"),
  FERRY_STORAGE: e(
    "permanent",
    "The history database cannot be written, so nothing is done that could not be recorded.",
    "free disk space, or see what locks .ferry/history.db",
  ),
  FERRY_STORAGE_CORRUPT: e(
    "permanent",
    "The history database is damaged or is not Ferry's.",
    "restore .ferry/history.db from a backup; it is never replaced by an empty one",
    2,
  ),
  FERRY_STORAGE_NEWER: e(
    "permanent",
    "The history database was written by a newer Ferry.",
    "install at least the version that wrote it",
    2,
  ),
  FERRY_BUG: e("permanent", "Something unexpected happened inside Ferry.", "report it with the cause shown here"),
  // runs
  FERRY_RUN_TIMEOUT: e(
    "permanent",
    "The run or task did not end by its deadline.",
    "see in `ferry history show` where the time went, or raise `timeout`",
  ),
  FERRY_CANCELLED: e("permanent", "The run was cancelled.", "run the job again when it is wanted", 130),
  FERRY_INTERRUPTED: e(
    "permanent",
    "The process ended while the run was going on.",
    "see `ferry history`: what was open is continued by a further run",
  ),
  FERRY_NOTHING_MATCHED: e(
    "permanent",
    "No file matched.",
    "check `from`, or set `onEmpty: succeed` where that is usual",
  ),
  FERRY_FILES_FAILED: e(
    "permanent",
    "Some of the files of a task failed.",
    "see the transfers in `ferry history show`",
  ),
  FERRY_HELD: e(
    "doubt",
    "A delivery is in doubt: it may have arrived, and is not sent again by itself.",
    "ask the partner, then `ferry job resolve RUN FILE --as delivered` or `--as resend`",
  ),
  FERRY_UNVERIFIED: e(
    "permanent",
    "Published, but the server gave no way to confirm the size.",
    "set `verify: none` on the task if this server can never confirm",
  ),
  FERRY_EXEC_FAILED: e("permanent", "A program ended with a code that means failure.", "see its output in the cause"),
  // local files
  FERRY_FILE_NOT_FOUND: e("permanent", "A file or folder is not there.", "check the path"),
  FERRY_FILE_REFUSED: e("permanent", "The system refused to read or write a file.", "check owner and permissions"),
  FERRY_FILE_BUSY: e(
    "transient",
    "The system could not read or write a file for the moment.",
    "see the system's words in the cause; it is tried again by `retry`",
  ),
  FERRY_NOT_A_FILE: e(
    "permanent",
    "Not a regular file: a link, a folder, or a device.",
    "name the file itself; links are not followed",
  ),
  FERRY_SOURCE_CHANGED: e(
    "transient",
    "The source changed while it was read.",
    "raise `stable`, or write under a temporary name and rename",
  ),
  FERRY_DISK_FULL: e("transient", "The local disk is full.", "free space; the run tries again by its `retry`"),
  FERRY_TARGET_EXISTS: e(
    "permanent",
    "The target exists already.",
    "set `ifExists` to overwrite, skip, newer or rename, or give another `name`",
  ),
  FERRY_FILE_DAMAGED: e(
    "permanent",
    "A file is cut off, or its content is not of its format.",
    "have the file made or sent again; nothing of it was kept",
  ),
  FERRY_NAME_REFUSED: e(
    "permanent",
    "A name is not accepted: separators, `..` or control characters.",
    "rename the file at its source",
  ),
  FERRY_PATH_OUTSIDE: e("permanent", "A path leads out of the folder that it belongs to.", "correct `to` or `name`"),
  FERRY_DISPOSAL_FAILED: e(
    "permanent",
    "Delivered, but the source could not be deleted or moved.",
    "move it by hand, and check the permissions of its folder",
  ),
} satisfies Record<string, ErrorRow>;
