import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { DatabaseFile } from "./connection.js";
import type { SidecarContent } from "./database-sidecar.js";

/** What is to be inspected. */
export interface InspectionRequest {
  readonly file: DatabaseFile;
  /** The vault's id. */
  readonly vault: string;
  /** How the files were left, which they are compared with. */
  readonly left: SidecarContent;
  /** Look at each page, also where the database's own file is as it was left and only its write-ahead log is not. */
  readonly thorough: boolean;
}

/** The request as the other process gets it, as JSON on its standard input. */
export interface InspectionMessage extends Omit<InspectionRequest, "file"> {
  readonly file: Omit<DatabaseFile, "key"> & { readonly key: string };
}

/** What was found. A detail is a clause without a full stop. */
export type InspectionResult =
  | { readonly verdict: "sound" | "locked" | "newer" | "key" }
  | { readonly verdict: "unsound" | "failed"; readonly detail: string };

/** The beginning of each file that the engine has encrypted. */
const FILE_START = "Turso";

/**
 * Inspects the files of a database that are not as they were left, in a process of its own, as the engine ends a process that
 * opens some kinds of damage. Where all is well the sidecar says so afterwards.
 */
export async function inspect({ file, ...rest }: InspectionRequest): Promise<InspectionResult> {
  const size = statSync(file.path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return { verdict: "unsound", detail: "the file was gone or empty" };
  if (readStart(file.path) !== FILE_START) return { verdict: "unsound", detail: "another kind of file was in its place" };

  const child = spawn(process.execPath, [fileURLToPath(new URL("./inspection-process.js", import.meta.url))], {
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...process.env, NODE_OPTIONS: "", NODE_EXTRA_CA_CERTS: "" },
  });
  const message: InspectionMessage = { file: { ...file, key: Buffer.from(file.key).toString("hex") }, ...rest };
  // Never in an argument or a variable, which others may see.
  child.stdin.on("error", () => {});
  child.stdin.end(JSON.stringify(message));
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  if (code === 0) return JSON.parse(Buffer.concat(output).toString()) as InspectionResult;
  if (signal === "SIGKILL" || signal === "SIGTERM" || signal === "SIGINT")
    return { verdict: "failed", detail: "the process that inspected it was ended" };
  return { verdict: "unsound", detail: "the engine crashed while reading it" };
}

function readStart(path: string): string {
  const descriptor = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(FILE_START.length);
    readSync(descriptor, bytes, 0, bytes.length, 0);
    return bytes.toString("latin1");
  } finally {
    closeSync(descriptor);
  }
}
