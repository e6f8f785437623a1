import { isCollection, isSeq, LineCounter, parseDocument, Scalar, YAMLSeq, type Document } from "yaml";
import type { ZodMiniType } from "zod/mini";
import { VaultError, type ErrorCode } from "./errors.js";

/**
 * Reads one YAML document and checks it against a schema; the document keeps comments, order and unknown fields for a later rewrite.
 * @param file names the file in errors.
 * @throws VaultError `INVALID_YAML` with line and column, or `code` with the place of what does not fit the schema.
 */
export function readYaml<T>(bytes: Uint8Array, file: string, schema: ZodMiniType<T>, code: ErrorCode): { document: Document; data: T } {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new VaultError("INVALID_YAML", `${file} is not UTF-8 text.`, { remedy: restore(file), cause });
  }
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: true });
  const conflict = /^(?:<{7}|={7}|>{7})(?: |$)/m.exec(text);
  if (conflict)
    throw new VaultError("INVALID_YAML", `${at(conflict.index)}: there is the conflict marker of an unfinished merge.`, {
      remedy: `Make one of the two versions in ${file} and git add it, or give the merge up (git merge --abort).`,
    });
  const problem = document.errors[0];
  if (problem) throw new VaultError("INVALID_YAML", `${at(problem.pos[0])}: ${sentence(problem.message)}`, { remedy: restore(file) });

  let json: unknown;
  try {
    json = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new VaultError("INVALID_YAML", `${file} has more aliases than a vault's file can need.`, { remedy: restore(file), cause });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const field = issue.path.map(String).join(".");
    throw new VaultError(code, `${at(offsetOf(document, issue.path))}: ${field ? `${field}: ` : ""}${sentence(issue.message)}`, {
      remedy: restore(file),
    });
  }
  return { document, data: parsed.data };

  function at(offset: number): string {
    const { line, col } = lineCounter.linePos(offset);
    return `${file}, line ${line}, column ${col}`;
  }
}

/** Writes a document as agent-vault 0.1 prints YAML: sequences not indented, no line folded. */
export function writeYaml(document: Document): Uint8Array {
  return new TextEncoder().encode(document.toString({ indentSeq: false, lineWidth: 0 }));
}

/** Makes a sequence of strings hold exactly `values`; what stays keeps its place and its comments, what is new comes last. */
export function syncSequence(document: Document, path: readonly unknown[], values: readonly string[]): void {
  const node = document.getIn(path, true);
  const sequence = isSeq(node) ? node : new YAMLSeq(document.schema);
  if (sequence !== node) document.setIn(path, sequence);
  const wanted = new Set(values);
  sequence.items = sequence.items.filter((item) => wanted.delete(String((item as Scalar).value)));
  for (const value of wanted) sequence.add(document.createNode(value));
  sequence.flow = sequence.items.length === 0;
}

function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    if ((node instanceof Scalar || isCollection(node)) && node.range) return node.range[0];
  }
  return 0;
}

function sentence(message: string): string {
  const line = message.split("\n")[0]!.trim();
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

function restore(file: string): string {
  return `Correct ${file}, or restore it from git (git checkout -- ${file}).`;
}
