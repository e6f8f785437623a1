/**
 * A repository as patterns know it, whichever way its URL is written: `github.com/acme/app`, or the path of a folder.
 * @param text `https://github.com/acme/app.git`, `git@github.com:acme/app`, `/srv/app`, or a pattern over these
 */
export function repositoryName(text: string): string {
  const path = text.replace(/^([A-Za-z]):[\\/]/, "/$1/").replaceAll("\\", "/");
  const [, host, rest] = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/]*@)?([^/]*)(.*)$/i.exec(path) ?? /^(?:[^@/]+@)?([^/:]+):(.*)$/.exec(path) ?? [];
  const name = host === undefined ? path : `${host.toLowerCase()}/${rest!.replace(/^\/+/, "")}`;
  return name.replace(/\/+$/, "").replace(/\.git$/, "");
}
