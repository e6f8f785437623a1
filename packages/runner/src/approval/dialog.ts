import { spawn } from "node:child_process";
import { delimiter, isAbsolute, join } from "node:path";
import process from "node:process";
import { isExecutable, type Context } from "@agent-vault/vault/read-only";
import { childEnvironment } from "../child/child-environment.js";
import type { ApprovalQuestion, Reply } from "./reply.js";
import { questionText, type QuestionRoom, type QuestionText } from "./question-text.js";

const TITLE = "agent-vault";
const ONCE = "Allow once";
const SESSION = "Allow for this session";
const DENY = "Deny";
/** More than any dialog has to say. */
const MAX_ANSWER_LENGTH = 1000;

/** How a dialog program is asked. Its answer is what it prints: a program that fails, or does nothing, has allowed nothing. */
interface Dialog {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What it exits with when a button was pressed. */
  readonly exitCode: number;
}

/**
 * Asks by a dialog of the desktop: osascript on macOS, zenity or kdialog where there is a display, PowerShell on Windows. The text reaches each as
 * data that it shows as it is: no shell, no script and no markup is made of it.
 * @returns `undefined` where there is none
 */
export async function askByDialog(
  env: Context["env"],
  { request, forSession, before }: ApprovalQuestion,
  timeoutMs: number,
  platform: NodeJS.Platform = process.platform,
): Promise<Reply | undefined> {
  return showDialog(env, (room) => questionText(request, room, before), { forSession, timeoutMs, platform });
}

/** Shows a text that a person allows or denies. As {@link askByDialog}. */
export async function showDialog(
  env: Context["env"],
  show: (room: QuestionRoom) => QuestionText,
  { forSession, timeoutMs, platform = process.platform }: { forSession: boolean; timeoutMs: number; platform?: NodeJS.Platform },
): Promise<Reply | undefined> {
  const { text, complete } = show({ width: 88, lines: 16 });
  const buttons = [DENY, ONCE, ...(forSession ? [SESSION] : [])];
  const warning = complete ? "" : "\n\nNot all of it is shown here.";
  const dialog = dialogFor(platform, env, `${text}${warning}`, buttons, Math.ceil(timeoutMs / 1000));
  if (!dialog) return undefined;
  const said = await answerOf(dialog, env, timeoutMs);
  if (typeof said !== "string") return said;
  if (said === ONCE) return { scope: "once" };
  if (said === SESSION && forSession) return { scope: "session" };
  return { scope: "deny", why: said === DENY ? "the answer was no." : "the dialog was closed, or failed." };
}

function dialogFor(
  platform: NodeJS.Platform,
  env: Context["env"],
  text: string,
  buttons: readonly string[],
  seconds: number,
): Dialog | undefined {
  if (platform === "darwin") return osascript(find("osascript", env), text, buttons, seconds);
  if (platform === "win32") return powershell(find("powershell.exe", env), text, seconds);
  if (!env["DISPLAY"] && !env["WAYLAND_DISPLAY"]) return undefined;
  return zenity(find("zenity", env), text, buttons) ?? kdialog(find("kdialog", env), text, buttons);
}

function find(program: string, env: Context["env"]): string | undefined {
  const paths = (env["PATH"] ?? env["Path"] ?? "").split(delimiter).filter(isAbsolute);
  return paths.map((folder) => join(folder, program)).find(isExecutable);
}

/** The script never changes: text and buttons are its arguments. */
function osascript(program: string | undefined, text: string, buttons: readonly string[], seconds: number): Dialog | undefined {
  const script = `on run argv
  set answer to display dialog (item 1 of argv) with title (item 2 of argv) buttons (items 4 thru -1 of argv) default button 1 with icon caution giving up after ((item 3 of argv) as integer)
  if gave up of answer then return ""
  return button returned of answer
end run`;
  return program === undefined ? undefined : { program, args: ["-e", script, text, TITLE, String(seconds), ...buttons], exitCode: 0 };
}

/** The script never changes: the text is in its environment. Yes and no are all the buttons that it can have. */
function powershell(program: string | undefined, text: string, seconds: number): Dialog | undefined {
  const yesOrNo = 4;
  const warning = 48;
  const noIsDefault = 256;
  const onTop = 4096;
  const script = `$answer = (New-Object -ComObject WScript.Shell).Popup($env:QUESTION, [int]$env:SECONDS, '${TITLE}', ${yesOrNo + warning + noIsDefault + onTop}); if ($answer -eq 6) { '${ONCE}' } elseif ($answer -eq 7) { '${DENY}' }`;
  if (program === undefined) return undefined;
  const args = ["-NoProfile", "-NonInteractive", "-Command", script];
  return { program, args, env: { QUESTION: `${text}\n\nAllow it once?`, SECONDS: String(seconds) }, exitCode: 0 };
}

/** Without markup the text is shown as it is. The first button has the focus. Each button's answer is its label, since an exit code says no more than that a program ended. */
function zenity(program: string | undefined, text: string, buttons: readonly string[]): Dialog | undefined {
  if (program === undefined) return undefined;
  const labels = buttons.map((label) => `--extra-button=${label}`);
  return {
    program,
    args: ["--question", "--switch", "--no-markup", "--no-wrap", `--title=${TITLE}`, `--text=${text}`, ...labels],
    exitCode: 1,
  };
}

/** Qt guesses whether a text is HTML, so it gets HTML, with every special character escaped, also the backslash, which some versions take for the start of a newline. */
function kdialog(program: string | undefined, text: string, buttons: readonly string[]): Dialog | undefined {
  if (program === undefined) return undefined;
  const html = text.replace(/[&<>"'\\%]/g, (character) => `&#${character.charCodeAt(0)};`);
  const choices = buttons.flatMap((label) => [label, label]);
  return {
    program,
    args: ["--title", TITLE, "--menu", `<qt><pre align="left">${html}</pre></qt>`, ...choices, "--default", DENY],
    exitCode: 0,
  };
}

function answerOf(dialog: Dialog, env: Context["env"], timeoutMs: number): Promise<string | Reply> {
  return new Promise((done) => {
    const interrupted = () => end({ scope: "deny", why: "the question was interrupted." });
    // Before the dialog starts, as it would stay on the screen after us.
    process.on("SIGINT", interrupted);
    const child = spawn(dialog.program, dialog.args, {
      env: childEnvironment(env, dialog.env ?? {}),
      stdio: ["ignore", "pipe", "ignore"],
      windowsHide: true,
    });
    let said = "";
    const end = (result: string | Reply) => {
      clearTimeout(timer);
      process.off("SIGINT", interrupted);
      child.kill("SIGKILL");
      child.stdout.destroy();
      done(result);
    };
    const timer = setTimeout(() => end({ scope: "deny", why: "nobody answered in time." }), timeoutMs);
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text: string) => {
      said = (said + text).slice(0, MAX_ANSWER_LENGTH);
    });
    child.on("error", () => end({ scope: "deny", why: "the dialog could not be shown." }));
    child.on("exit", (code) => code !== dialog.exitCode && end({ scope: "deny", why: "the dialog was closed, or failed." }));
    child.on("close", () => end(said.replace(/\r?\n$/, "")));
  });
}
