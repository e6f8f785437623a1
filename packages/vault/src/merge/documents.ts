import { isMap, type Document } from "yaml";
import { canonical, isMapping } from "./three-way.js";

/** Makes a document say what `wanted` says, at one place and below it; whatever is the same keeps its spelling and comments. */
export function applyFields(document: Document, wanted: unknown, place: readonly string[] = []): void {
  const node = place.length === 0 ? document.contents : document.getIn(place, true);
  const present = place.length === 0 ? (document.toJS() as unknown) : toData(document, place);
  if (canonical(present) === canonical(wanted)) return;
  if (!isMapping(wanted) || !isMapping(present) || !isMap(node)) {
    if (wanted === undefined) document.deleteIn(place);
    else document.setIn(place, document.createNode(wanted));
    return;
  }
  for (const name of new Set([...Object.keys(present), ...Object.keys(wanted)])) applyFields(document, wanted[name], [...place, name]);
}

function toData(document: Document, place: readonly string[]): unknown {
  let data = document.toJS() as unknown;
  for (const name of place) data = isMapping(data) ? data[name] : undefined;
  return data;
}
