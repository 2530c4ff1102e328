/**
 * @module The page's files, read once, with the headers that keep everything foreign out of the page.
 */
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

/** One file as it goes out. */
export interface PageFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly tag: string;
  /** The name changes with the content. */
  readonly lasting: boolean;
}

/** `dist/web`, as seen from the bundle in `dist/bin/app`. */
const pageFolder = new URL("../../web/", import.meta.url);
/** `dist/schema/openapi.json`. */
const descriptionFile = new URL("../../schema/openapi.json", import.meta.url);

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
};

/** Files by path, `/` is the page itself. */
export async function readPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>();
  const folder = fileURLToPath(pageFolder);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = `${entry.parentPath.slice(folder.length - 1)}/${entry.name}`
      .replaceAll("\\", "/")
      .replace(/^\/+/, "/");
    files.set(path, await readPageFile(`${entry.parentPath}/${entry.name}`, path.startsWith("/assets/")));
  }
  const start = files.get("/index.html");
  if (start !== undefined) files.set("/", start);
  files.set("/api/openapi.json", await readPageFile(fileURLToPath(descriptionFile), false));
  return files;
}

async function readPageFile(path: string, lasting: boolean): Promise<PageFile> {
  const bytes = new Uint8Array(await readFile(path));
  const tag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
  return { bytes, type: types[extname(path)] ?? "application/octet-stream", tag, lasting };
}

/** Headers of every answer. The policy allows nothing that does not come from this very address, and nothing inline. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), serial=(), hid=()",
};
