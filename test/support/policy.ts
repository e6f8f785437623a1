/** A policy that allows what the keys allow. */
export const ANY_USE = 'version: 1\nrules:\n  - secrets: ["**"]\n    allow: all\n';
