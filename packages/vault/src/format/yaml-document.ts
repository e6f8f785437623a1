import {
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  Scalar,
  visit,
  YAMLSeq,
  type Document,
  type Node,
} from "yaml";
import type { ZodMiniType } from "zod/mini";
import { VaultError, type ErrorCode } from "../errors.js";
import { MANIFEST_FILE } from "./layout.js";
import { decodeUtf8File } from "../text/utf8.js";
import { escapeAmbiguous, findAmbiguity, findAmbiguousNode, quoteAmbiguous } from "./yaml-dialect.js";

/** The largest manifest that is read: one of a hundred thousand secrets. */
export const MAX_MANIFEST_BYTES = 8 * 1024 * 1024;
/** The largest other YAML file that is read: metadata of ten thousand agents. */
export const MAX_YAML_BYTES = 1024 * 1024;
/** Marks that can begin a node, in one file; the parser takes up to a kilobyte for each. */
const MAX_MARKS = 1_000_000;
/** Brackets within brackets, and marks on one line. */
const MAX_DEPTH = 200;

/** A YAML document as it was read, and the places of its parts in the file. */
export interface YamlFile {
  readonly document: Document;
  /** The line of a value, from 1. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
  /** `FILE, line 3, column 5`: the place of a value, or of the nearest value around it that the file has. */
  readonly placeOf: (path: readonly PropertyKey[]) => string;
  /** As `placeOf`, for the name of a field and not its value. */
  readonly placeOfName: (path: readonly PropertyKey[]) => string;
}

/**
 * Reads one YAML document and checks it against a schema; the document keeps comments, order and unknown fields for a later rewrite.
 * @param file names the file in errors.
 * @throws VaultError `INVALID_YAML` with line and column, or `code` with the place of what does not fit the schema.
 */
export function readYaml<T>(bytes: Uint8Array, file: string, schema: ZodMiniType<T>, code: ErrorCode): { document: Document; data: T } {
  const { document, placeOf } = readYamlFile(bytes, file);
  const parsed = schema.safeParse(document.toJS());
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const field = issue.path.map(String).join(".");
    throw new VaultError(code, `${placeOf(issue.path)}: ${field ? `${field}: ` : ""}${sentence(issue.message)}`, {
      remedy: restore(file),
    });
  }
  return { document, data: parsed.data };
}

/**
 * Reads one YAML document, whatever it says. What one part takes from another (anchors, aliases, merge keys) is refused: a change of the
 * one would change the other as well.
 * @param file names the file in errors.
 * @throws VaultError `INVALID_YAML` with line and column
 */
export function readYamlFile(bytes: Uint8Array, file: string): YamlFile {
  const limit = file === MANIFEST_FILE ? MAX_MANIFEST_BYTES : MAX_YAML_BYTES;
  if (bytes.length > limit) throw invalid(`${file} is larger than ${limit / 1024 / 1024} MiB, the most that is read.`);
  const text = decodeUtf8File(bytes);
  if (text === undefined) throw invalid(`${file} is not UTF-8 text.`);
  if (isIntricate(text)) throw invalid(`${file} is nested deeper, or has more entries, than a vault's file can need.`);
  const lineCounter = new LineCounter();
  let document: Document.Parsed;
  try {
    // The parser itself compares each key of a mapping with all before it.
    document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false, logLevel: "error" });
  } catch (cause) {
    throw invalid(`${file} is nested deeper than a vault's file can need.`, cause);
  }
  const conflict = /^(?:<{7}|={7}|>{7})(?: |$)/m.exec(text);
  if (conflict)
    throw new VaultError("INVALID_YAML", `${at(conflict.index)}: there is the conflict marker of an unfinished merge.`, {
      remedy: `Resolve the conflict in ${file} and git add it, or abort the merge (git merge --abort).`,
    });
  const ambiguity = findAmbiguity(text);
  if (ambiguity) throw invalid(`${at(ambiguity.offset)}: ${ambiguity.message}.`);
  const problem = document.errors[0];
  if (problem) throw invalid(`${at(problem.pos[0])}: ${sentence(problem.message)}`);

  requireUniqueKeys();
  const shared = sharedNode(document);
  if (shared) {
    throw new VaultError("INVALID_YAML", `${at(shared.range![0])}: anchors, aliases and merge keys are not used in a vault.`, {
      remedy: `Write their contents out in ${file}.`,
    });
  }
  const unclear = findAmbiguousNode(document, text);
  if (unclear) throw invalid(`${at(unclear.offset)}: ${unclear.message}.`);
  return {
    document,
    lineOf: (path) => lineCounter.linePos(offsetOf(document, path)).line,
    placeOf: (path) => at(offsetOf(document, path)),
    placeOfName: (path) => at(offsetOfName(document, path)),
  };

  function requireUniqueKeys(): void {
    visit(document, {
      Map(_, { items }) {
        const keys = new Set<string>();
        for (const { key } of items) {
          if (!isScalar(key)) continue;
          const name = String(key.value);
          if (keys.has(name)) throw invalid(`${at(key.range?.[0] ?? 0)}: Map keys must be unique.`);
          keys.add(name);
        }
      },
    });
  }

  function invalid(message: string, cause?: unknown): VaultError {
    return new VaultError("INVALID_YAML", message, { remedy: restore(file), cause });
  }

  function at(offset: number): string {
    const { line, col } = lineCounter.linePos(offset);
    return `${file}, line ${line}, column ${col}`;
  }
}

/** Whether a text is made to exhaust the parser, which has no limits of its own. */
function isIntricate(text: string): boolean {
  let marks = 0;
  let open = 0;
  let onLine = 0;
  for (const [mark] of text.matchAll(/[[\]{},\n&*!'"#]|[-?:](?=\s)/g)) {
    if (mark === "[" || mark === "{") open++;
    else if (mark === "]" || mark === "}") open = Math.max(0, open - 1);
    else if (mark === "\n") onLine = 0;
    else if (mark === "-" || mark === "?" || mark === ":") onLine++;
    if (++marks > MAX_MARKS || open > MAX_DEPTH || onLine > MAX_DEPTH) return true;
  }
  return false;
}

/** Writes a document as agent-vault 0.1 prints YAML: sequences not indented, no line folded. */
export function writeYaml(document: Document): Uint8Array {
  quoteAmbiguous(document);
  return new TextEncoder().encode(
    escapeAmbiguous(document.toString({ indentSeq: false, lineWidth: 0, doubleQuotedMinMultiLineLength: Infinity })),
  );
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

/** The first anchor, alias or merge key. */
function sharedNode(document: Document): Node | undefined {
  let found: Node | undefined;
  visit(document, {
    Node(key, node) {
      const isMergeKey = key === "key" && isScalar(node) && node.value === "<<" && node.type === "PLAIN";
      if (!isAlias(node) && !isMergeKey && !("anchor" in node && node.anchor)) return undefined;
      found = node;
      return visit.BREAK;
    },
  });
  return found;
}

function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    if ((node instanceof Scalar || isCollection(node)) && node.range) return node.range[0];
  }
  return 0;
}

function offsetOfName(document: Document, path: readonly PropertyKey[]): number {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const pair = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === path.at(-1)) : undefined;
  return isScalar(pair?.key) && pair.key.range ? pair.key.range[0] : offsetOf(document, path);
}

function sentence(message: string): string {
  const line = message.split("\n")[0]!.trim();
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

function restore(file: string): string {
  return `Correct ${file}, or restore it from git (git checkout -- ${file}).`;
}
