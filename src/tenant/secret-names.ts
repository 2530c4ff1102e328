/**
 * @module Which names of options, variables and parameters announce a secret: `--db-password`, `GH_TOKEN`, `clientSecret`.
 */

/** Words that announce a secret wherever they stand in a name. */
const secretWords: ReadonlySet<string> = new Set([
  "password",
  "passwords",
  "passwd",
  "passphrase",
  "passcode",
  "pswd",
  "pwd",
  "secret",
  "secrets",
  "token",
  "apikey",
  "apitoken",
  "authtoken",
  "accesstoken",
  "accesskey",
  "secretkey",
  "privatekey",
  "credential",
  "credentials",
  "authorization",
  "bearer",
  "jwt",
  "requirepass",
  "masterauth",
  "pgpassword",
  "setcookie",
  "cookie",
  "userpass",
  "rootpass",
  "dbpass",
  "sshpass",
  "htpasswd",
  "mysqlpassword",
  "authkey",
  "psk",
]);

/** Words that announce a secret at the end of a name only: `--db-pass`, but not `--pass-through`. */
const lastSecretWords: ReadonlySet<string> = new Set(["pass", "auth", "pw", "passw", "signature", "sig"]);

/** What makes a `key` a secret one: `--api-key`. */
const keyWords: ReadonlySet<string> = new Set([
  "api",
  "access",
  "secret",
  "private",
  "encryption",
  "encrypt",
  "signing",
  "sign",
  "session",
  "master",
  "account",
  "shared",
  "deploy",
  "service",
  "storage",
  "license",
  "webhook",
  "write",
  "admin",
  "auth",
  "security",
  "subscription",
  "app",
  "role",
  "sas",
  "cipher",
  "crypt",
  "crypto",
  "aes",
  "hmac",
  "jwt",
  "root",
]);

/** What makes `tokens` secret ones: language models count theirs in `--max-tokens`. */
const tokensWords: ReadonlySet<string> = new Set(["auth", "access", "api", "bearer", "secret", "refresh"]);

/** Last words of names that speak about a secret without being one: `--password-file`, `TOKEN_TTL`. */
const harmlessLastWords: ReadonlySet<string> = new Set([
  "file",
  "files",
  "filename",
  "path",
  "paths",
  "dir",
  "directory",
  "folder",
  "name",
  "names",
  "url",
  "uri",
  "urls",
  "endpoint",
  "host",
  "port",
  "server",
  "domain",
  "issuer",
  "audience",
  "type",
  "kind",
  "ttl",
  "expiry",
  "expires",
  "expiration",
  "lifetime",
  "age",
  "timeout",
  "duration",
  "interval",
  "length",
  "size",
  "count",
  "limit",
  "max",
  "min",
  "policy",
  "prompt",
  "stdin",
  "env",
  "var",
  "variable",
  "field",
  "header",
  "prefix",
  "suffix",
  "provider",
  "store",
  "backend",
  "method",
  "methods",
  "mode",
  "modes",
  "enabled",
  "disabled",
  "enable",
  "disable",
  "required",
  "optional",
  "manager",
  "algorithm",
  "alg",
  "format",
  "encoding",
  "ref",
  "arn",
  "version",
  "plugin",
  "plugins",
  "cmd",
  "command",
  "helper",
  "fd",
  "scheme",
  "user",
  "username",
  "secure",
  "httponly",
  "samesite",
  "rotation",
  "strength",
  "location",
  "realm",
  "scope",
  "scopes",
  "database",
  "db",
  "cache",
  "id",
  "level",
  "module",
  "class",
  "label",
  "column",
  "table",
  "namespace",
  "socket",
  "map",
  "usage",
  "validity",
  "retries",
]);

/** First words that turn an option around or make it a switch: `--no-password`, `--ask-pass`. */
const harmlessFirstWords: ReadonlySet<string> = new Set([
  "no",
  "without",
  "disable",
  "enable",
  "skip",
  "ask",
  "prompt",
  "use",
  "allow",
  "max",
  "min",
  "num",
  "show",
  "hide",
  "has",
  "is",
  "require",
  "requires",
  "force",
  "generate",
  "forget",
  "reset",
  "print",
  "bypass",
]);

/** Longest name looked at: longer ones are text. */
const nameLimit = 128;

/** What a name announces. */
export type NameMeaning = "secret" | "secret-or-path" | "auth" | undefined;

/**
 * What the value behind a name is: `secret`; `secret-or-path` for private keys, which are mostly given as a file;
 * `auth` for a bare `auth`, which is as often a mode (`--auth none`); `undefined` when nothing announces a secret.
 */
export function readNameMeaning(name: string): NameMeaning {
  if (name.length === 0 || name.length > nameLimit) return undefined;
  // The shell's working directory, not a password.
  if (name === "PWD" || name === "OLDPWD") return undefined;
  const words = splitName(name);
  while (words.length > 1 && /^(?:\d+|value|plain|plaintext|base64|hex)$/.test(words.at(-1)!)) words.pop();
  const last = words.at(-1);
  if (last === undefined) return undefined;
  const joined = words.join("");
  // Vault's secret_id is as good as a password.
  if (joined.endsWith("secretid")) return "secret";
  if (harmlessLastWords.has(last)) return undefined;
  if (words.length > 1 && harmlessFirstWords.has(words[0]!)) return undefined;
  if (last === "auth") return "auth";
  if (last === "key" || last === "keys") {
    const before = words.at(-2);
    if (before === "private") return "secret-or-path";
    if (before !== undefined && keyWords.has(before)) return "secret";
  }
  if (last === "tokens") {
    const before = words.at(-2);
    return before !== undefined && tokensWords.has(before) ? "secret" : undefined;
  }
  if (lastSecretWords.has(last)) return "secret";
  return words.some((word) => secretWords.has(word)) ? "secret" : undefined;
}

/** `dbPassword`, `DB_PASSWORD`, `db-password`, `db.password` → `db`, `password`. */
function splitName(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "")
    .map((word) => word.toLowerCase());
}
