import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { processStatus } from "@agent-vault/vault/read-only";

/** Where the session and the terminal are in what Linux says of a process (proc_pid_stat(5)), from its third field on. */
const SESSION = 3;
const TERMINAL = 4;
/** The major numbers of the kernel's pseudo-terminals. */
const [FIRST_PTS, LAST_PTS] = [136, 143];
const MINORS_OF_MAJOR = 256;

/**
 * The processes that own the terminal of a process: the leader of its session, and all that hold the other side of it, as far as they are
 * this user's. Linux only.
 */
export function terminalOwners(pid: number): number[] {
  const fields = processStatus(pid);
  if (!fields) return [];
  const index = terminalIndex(Number(fields[TERMINAL]));
  return [Number(fields[SESSION]), ...(index === undefined ? [] : holders(index))];
}

/** The number of a pseudo-terminal, as in `/dev/pts/3`. @param device as the kernel packs it into one number */
function terminalIndex(device: number): number | undefined {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  return major >= FIRST_PTS && major <= LAST_PTS ? (major - FIRST_PTS) * MINORS_OF_MAJOR + minor : undefined;
}

/** Who holds the side of a pseudo-terminal on which is typed. */
function holders(index: number): number[] {
  const mark = new RegExp(`^tty-index:\\s*${index}$`, "m");
  return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) && holds(name, mark) ? [Number(name)] : []));
}

function holds(pid: string, mark: RegExp): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => {
      if (!readlinkSync(`/proc/${pid}/fd/${descriptor}`).endsWith("/ptmx")) return false;
      return mark.test(readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, "utf8"));
    });
  } catch {
    // It is another user's, or has ended.
    return false;
  }
}
