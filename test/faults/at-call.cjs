// A preload (node --require) that kills its own process with SIGKILL at the n-th call that touches the disk below a folder, or
// that starts a child process. Variables:
//
//   AT_CALL_BELOW   the folder; what node does elsewhere, such as loading modules, is not counted
//   AT_CALL         n, from 1; without it nothing happens
//   AT_CALL_RUN     a shell command to run at that call, instead of dying
//   AT_CALL_KIND    "changes" counts the program's calls that change the disk; "all" those that read it as well, and those that
//                   node itself makes for another one, such as the opening and the writing of a writeFileSync
//   AT_CALL_RECORD  a file that gets the counted calls, one a line, when the process ends of itself
//   AT_CALL_STATES  a folder that gets a copy of the folder, `1`, `2` and so on, before each counted call that finds it different from
//                   the copy before; the number of the copy that a call found precedes its name in the record
//
// It comes before a file-system call is made. A child process counts twice: once it is started, and once it was given all of its
// input. What was started goes on without its parent; file descriptor 3, which must be open, is handed down to it, so the
// holder of the other end sees when the last of them has ended.
"use strict";
const childProcess = require("node:child_process");
const fs = require("node:fs");
const { syncBuiltinESMExports } = require("node:module");
const { join, resolve, sep } = require("node:path");

const { AT_CALL_BELOW: below, AT_CALL: at, AT_CALL_RUN: command, AT_CALL_KIND: kind, AT_CALL_RECORD: record } = process.env;
const { AT_CALL_STATES: states } = process.env;
const { lstatSync, readdirSync } = fs;
const { execFileSync } = childProcess;
const CHANGES =
  /^(?:appendFile|chmod|chown|copyFile|cp|fchmod|fchown|fdatasync|fsync|ftruncate|futimes|lchown|link|lutimes|mkdir|mkdtemp|rename|rm|rmdir|symlink|truncate|unlink|utimes|write|writeFile|writev)(?:Sync)?$/;
const TWO_PATHS = /^(?:copyFile|cp|link|rename|symlink)(?:Sync)?$/;
const OPENS = /^open(?:Sync)?$/;
const NEITHER = /^(?:[A-Z_].*|create(?:Read|Write)Stream|watch|watchFile|unwatchFile)$/;

const seen = [];
let marks = "";
let copies = 0;
const descriptors = new Set();
/** Of the calls of fs that are under way, whether each has made another one. */
const underWay = [];

function point(name) {
  seen.push(states === undefined ? name : `${copies} ${name}`);
  if (seen.length !== Number(at)) return;
  if (command === undefined) process.kill(process.pid, "SIGKILL");
  else childProcess.spawnSync("sh", ["-c", command], { stdio: "ignore" });
}

/** Copies the folder where anything in it has changed: a file's change time tells, and nobody can set it. */
function keepState() {
  if (states === undefined) return;
  const present = [];
  const look = (folder) => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      const stat = lstatSync(path, { bigint: true });
      present.push(path, stat.ino, stat.mode, stat.size, stat.ctimeNs);
      if (stat.isDirectory()) look(path);
    }
  };
  look(below);
  if (present.join("\n") === marks) return;
  marks = present.join("\n");
  execFileSync("cp", ["-Rp", below, join(states, String(++copies))]);
}

function isBelow(target) {
  if (typeof target === "number") return descriptors.has(target);
  const path = target instanceof URL ? target.pathname : Buffer.isBuffer(target) ? target.toString() : target;
  return typeof path === "string" && (resolve(path) + sep).startsWith(below + sep);
}

function changes(name, args) {
  if (!OPENS.test(name)) return CHANGES.test(name);
  const flags = args[1] ?? "r";
  return typeof flags === "number"
    ? (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_TRUNC)) !== 0
    : /[wa+]/.test(flags);
}

function watch(holder, name) {
  const real = holder[name];
  function watched(...args) {
    // What a call does first counts as the call itself: nothing has happened in between.
    const isFirstOfAnother = underWay.length > 0 && !underWay.at(-1);
    if (isFirstOfAnother) underWay[underWay.length - 1] = true;
    const isPart = underWay.length > 0;
    const counted = isBelow(args[0]) || (TWO_PATHS.test(name) && isBelow(args[1]));
    if (counted && (kind === "all" ? !isFirstOfAnother : !isPart && changes(name, args))) {
      keepState();
      point(
        `${name} ${args
          .filter((arg) => ["string", "number"].includes(typeof arg))
          .slice(0, 2)
          .join(" ")}`,
      );
    }
    underWay.push(false);
    try {
      const result = Reflect.apply(real, this, args);
      if (name === "openSync" && counted) descriptors.add(result);
      if (name === "closeSync") descriptors.delete(args[0]);
      return result;
    } finally {
      underWay.pop();
    }
  }
  holder[name] = Object.assign(watched, real);
}

for (const holder of [fs, fs.promises]) {
  for (const name of Object.keys(holder)) if (typeof holder[name] === "function" && !NEITHER.test(name)) watch(holder, name);
}

const { spawn } = childProcess;
childProcess.spawn = function (program, args, options) {
  keepState();
  const child = spawn.call(this, program, args, { ...options, stdio: ["pipe", "pipe", "pipe", 3] });
  const words = [program, ...args].join(" ");
  point(`spawn ${words}`);
  if (child.stdin) child.stdin.once("finish", () => point(`input ${words}`));
  return child;
};
syncBuiltinESMExports();

process.on("exit", () => {
  if (record) fs.writeFileSync(record, seen.map((line) => `${line.replaceAll("\n", " ")}\n`).join(""));
});
