/**
 * Stands between a test and a server: `node guard.mjs <program> <arguments…>`. When its stdin closes - the test stopped the
 * server, or the test process was killed - the server and everything it forked is killed. An exit handler in the test
 * process cannot promise that, and sshd's sessions leave the process group.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const [program, ...args] = process.argv.slice(2);
const server = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
let stopping = false;

server.on("error", (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(127);
});
server.on("exit", (code, signal) => {
  if (!stopping) process.stderr.write(`the server ended by itself: ${signal ?? code}\n`);
  process.exit(stopping ? 0 : (code ?? 1));
});

process.stdin.on("end", stop).on("error", stop).resume();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);

function stop() {
  if (stopping || server.pid === undefined) return;
  stopping = true;
  // Frozen first, so that nothing forks between the reading of the process table and the killing.
  freeze(server.pid);
  for (const pid of [...descendants(server.pid), server.pid]) kill(pid, "SIGKILL");
}

function freeze(pid) {
  kill(pid, "SIGSTOP");
  for (const child of descendants(pid)) kill(child, "SIGSTOP");
}

function descendants(root) {
  const entries = processes();
  const collect = (pid) => {
    const children = entries.filter((entry) => entry.parent === pid).map((entry) => entry.pid);
    return [...children.flatMap(collect), ...children];
  };
  return collect(root);
}

function processes() {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        // The name in parentheses may itself hold parentheses and spaces.
        const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
        return [{ pid: Number(name), parent }];
      } catch {
        return [];
      }
    });
}

function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already, which is what was wanted.
  }
}
