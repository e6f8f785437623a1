// Runs a child as `agent-vault run` does, in a process of its own: node child-process.mjs REQUEST(JSON) [FILE-FOR-THE-END].
import { writeFileSync } from "node:fs";
import process from "node:process";
import { PassThrough, Transform } from "node:stream";
import { endLike, runChild, SecretFiles } from "../../../packages/runner/dist/index.js";

const [request, endFile] = process.argv.slice(2);
const { mark, file, ...rest } = JSON.parse(request);
// A stand-in for the scrubber that is seen at work.
const through = () =>
  mark
    ? new Transform({
        transform: (chunk, _, done) => done(null, chunk.toString().replaceAll(mark, "[MARKED]")),
      })
    : new PassThrough();

const secrets = { ...rest.secrets };
let end;
const files = file && SecretFiles.create(process.env);
if (file) secrets.SECRET_FILE = files.add("SECRET_FILE", Buffer.from(file));
try {
  end = await runChild({
    cwd: process.cwd(),
    env: process.env,
    ...rest,
    secrets,
    stdout: { through: through(), to: process.stdout },
    stderr: { through: through(), to: process.stderr },
  });
  if (endFile) writeFileSync(endFile, JSON.stringify({ ...end, passedOn: [...end.passedOn] }));
} catch (error) {
  process.stderr.write(`[${error.code}] ${error.message}\n`);
  process.exitCode = error.exitCode ?? 1;
} finally {
  files?.remove();
}
if (end) endLike(end);
