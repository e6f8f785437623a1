/** The whole name of a ref, such as `refs/heads/main`: what git looks up under short names, a remote can decide. */
export type FullRef = `refs/${string}`;

/** Whether a text is a ref's whole name, by the rules of `git check-ref-format`. */
export function isFullRef(text: string): text is FullRef {
  return (
    /^refs(?:\/[^/]+)+$/.test(text) &&
    // eslint-disable-next-line no-control-regex
    !/[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\.$/.test(text) &&
    !text.split("/").some((part) => part.startsWith(".") || part.endsWith(".lock"))
  );
}

/** A branch as a person says it, such as `main`; another ref keeps its whole name. */
export const branchName = (ref: string): string => ref.replace(/^refs\/heads\//, "");

/** Whether a text is the whole id of an object. */
export const isObjectId = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
