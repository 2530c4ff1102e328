// Checks the package that would be published: the lockfile is whole, generated pages are current, the tarball is well formed,
// and its types resolve.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

function run(command, words, options = {}) {
  return execFileSync(command, words, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], ...options });
}

/** Every optional dependency that the lockfile names must have an entry, or `npm ci` fails on other platforms. */
function checkLockfile() {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
  const missing = [];
  for (const [path, entry] of Object.entries(packages)) {
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      const nested = `${path}/node_modules/${name}`;
      if (packages[`node_modules/${name}`] === undefined && packages[nested] === undefined)
        missing.push(`${path} → ${name}`);
    }
  }
  if (missing.length > 0) throw new Error(`The lockfile lacks entries of optional packages:\n${missing.join("\n")}`);
}

/** The reference is generated and committed: building must not change it. */
function checkReference() {
  const changed = run("git", ["status", "--porcelain", "--", "docs/reference"]);
  if (changed !== "")
    throw new Error(`docs/reference is not what the declarations say; run npm run build and commit:\n${changed}`);
}

checkLockfile();
run(process.execPath, ["scripts/build.mjs"]);
checkReference();
const folder = mkdtempSync(join(tmpdir(), "portolan-pack-"));
try {
  const [{ filename, size, files }] = JSON.parse(
    run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder]),
  );
  run("npx", ["--no-install", "publint", "--strict"], { stdio: ["ignore", "inherit", "inherit"] });
  run("npx", ["--no-install", "attw", join(folder, filename), "--profile", "esm-only", "--no-emoji"], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  process.stdout.write(`package: ${files.length} files, ${size} bytes packed\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
