import { compress } from "./compress.js";
import { copy } from "./copy.js";
import { decompress } from "./decompress.js";
import { deleteFiles } from "./delete.js";
import { download } from "./download.js";
import { exec } from "./exec.js";
import { mkdir } from "./mkdir.js";
import { move } from "./move.js";
import { upload } from "./upload.js";
import { write } from "./write.js";

/** Every kind of task: one line each, and nothing else lists them. */
export const taskKinds = [compress, copy, decompress, deleteFiles, download, exec, mkdir, move, upload, write] as const;
