import { isMap, type Document } from "yaml";
import { canonical, isMapping } from "./three-way.js";

/** Makes a document say what `wanted` says; whatever is the same keeps its spelling and comments. */
export function applyFields(document: Document, wanted: unknown): void {
  apply(document, [], document.toJS(), wanted);
}

/** @param present what the document says at that place */
function apply(document: Document, place: readonly string[], present: unknown, wanted: unknown): void {
  if (canonical(present) === canonical(wanted)) return;
  const node = place.length === 0 ? document.contents : document.getIn(place, true);
  if (!isMapping(wanted) || !isMapping(present) || !isMap(node)) {
    if (wanted === undefined) document.deleteIn(place);
    else document.setIn(place, document.createNode(wanted));
    return;
  }
  for (const name of new Set([...Object.keys(present), ...Object.keys(wanted)])) {
    apply(document, [...place, name], present[name], wanted[name]);
  }
}
