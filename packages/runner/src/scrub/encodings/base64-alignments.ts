/**
 * How a value shows in base64 text, for each of the three offsets in a group of three bytes at which it may start: the characters that it
 * alone decides. The character that its first bits share with what is before it is left out; it tells at most four bits. So is the one that
 * its last bits share with what follows.
 */
export function base64Alignments(value: Uint8Array): readonly [string, string, string] {
  const at = (offset: number) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), value]);
    return bytes.toString("base64").slice(Math.ceil((offset * 8) / 6), Math.floor((bytes.length * 8) / 6));
  };
  return [at(0), at(1), at(2)];
}
