/** A name in its segments, such as `stripe/api-key` at its slashes, or a command in its arguments. */
export type PathSegments = readonly string[];

/** The segments of a secret's name. @param secret as secrets are shown, where those of the group `default` have no slash */
export function secretSegments(secret: string): PathSegments {
  return secret.includes("/") ? secret.split("/") : ["default", secret];
}

/** A name that is one segment, where there is one. */
export function singleSegment(name: string | undefined): PathSegments | undefined {
  return name === undefined ? undefined : [name];
}
