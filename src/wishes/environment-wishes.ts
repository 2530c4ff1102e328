/**
 * @module The ports in `.env` files: PORT and NAME_PORT, by which programs listen or find each other, and URLs of this machine.
 */
import { basename, dirname } from "node:path";
import type { EnvironmentFile } from "./environment-file.ts";
import type { LocatedText } from "./located-text.ts";
import { plainWish, readPortNumber, type PortWish } from "./port-wish.ts";

/** One file with its name. */
export interface NamedEnvironmentFile {
  readonly path: string;
  readonly content: EnvironmentFile;
}

/** Names whose port is somebody else's, to connect to: databases, brokers, mail. */
const connects =
  /(?:^|_)(?:DB|DATABASE|DATASOURCE|JDBC|PG|POSTGRES|POSTGRESQL|MYSQL|MARIADB|MSSQL|SQL|SQLSERVER|ORACLE|MONGO|MONGODB|REDIS|VALKEY|CACHE|MEMCACHED?|RABBIT|RABBITMQ|AMQP|KAFKA|NATS|MQTT|BROKER|ELASTIC|ELASTICSEARCH|OPENSEARCH|ES|SOLR|MEILI|MEILISEARCH|TYPESENSE|CLICKHOUSE|CASSANDRA|NEO4J|INFLUX|INFLUXDB|SMTP|MAIL|MAILER|EMAIL|IMAP|POP3|LDAP|SSH|SFTP|FTP|MINIO|S3|PROXY|STATSD|SYSLOG|LOGSTASH|JAEGER|OTEL|OTLP|ZIPKIN|SENTRY|VAULT|CONSUL|ETCD|ZOOKEEPER|REMOTE|UPSTREAM|TARGET|EXTERNAL|PUBLIC|PUSHER)_(?:\w+_)?PORT$|^(?:PGPORT|DBPORT)$/;

/** Names by which one program calls its own port. */
const ownNames: ReadonlySet<string> = new Set([
  "PORT",
  "APP_PORT",
  "SERVER_PORT",
  "HTTP_PORT",
  "NODE_PORT",
  "LISTEN_PORT",
  "WEB_PORT",
]);

/** Files that show what a file may look like, and are read by nobody. */
export function isSample(path: string): boolean {
  return /\.(?:example|sample|template|dist|defaults?|schema|tpl|tmpl)(?:\.|$)/.test(basename(path));
}

/** Files of a folder, those first that come before the others (vite.dev, "Env Variables and Modes"; nextjs.org, "Environment Variables"). */
function rankOf(path: string): number {
  const name = basename(path);
  if (/^\.env\.(?:production|prod|staging|test|testing|ci|e2e)(?:\.local)?$/.test(name)) return 0;
  if (name === ".env") return 1;
  if (name === ".env.local") return 3;
  return name.endsWith(".local") ? 4 : 2;
}

/**
 * The wishes of the `.env` files of one folder.
 * @param used variables that another file of the folder puts in: that file wishes, and this one says how
 */
export function environmentWishes(files: readonly NamedEnvironmentFile[], used: ReadonlySet<string>): PortWish[] {
  const ordered = files.toSorted((left, right) => rankOf(left.path) - rankOf(right.path));
  const last = new Map<string, string>();
  for (const { path, content } of ordered)
    if (rankOf(path) > 0) for (const { name } of content.assignments) last.set(name, path);
  return ordered.flatMap(({ path, content }) => {
    const lastOf = new Map<string, LocatedText>();
    for (const { name, value } of content.assignments) lastOf.set(name, value);
    return [...lastOf].flatMap(([name, value]) => {
      const found = readVariable(name, value);
      if (found === undefined || (used.has(name) && found.role === "listens")) return [];
      return [describe(name, path, found, rankOf(path) === 0 ? null : (last.get(name) ?? null))];
    });
  });
}

type Found = Pick<PortWish, "port" | "place" | "role">;

function describe(name: string, path: string, found: Found, decidedBy: string | null): PortWish {
  const folder = dirname(path);
  const inactive =
    decidedBy === null
      ? `${basename(path)} is read in another mode`
      : decidedBy === path
        ? null
        : `${basename(decidedBy)} says another one`;
  return {
    ...plainWish,
    ...found,
    format: "environment",
    name,
    scene: `environment:${folder}`,
    // The names of one program's own port stand for one program.
    unit: ownNames.has(name) ? "PORT" : name,
    folders: [folder],
    home: folder,
    inactive,
  };
}

function readVariable(name: string, value: LocatedText): Found | undefined {
  const { text } = value;
  if (name === "PORT" || name.endsWith("_PORT") || name === "PGPORT" || name === "DBPORT") {
    const port = readPortNumber(text);
    if (port === undefined) return undefined;
    return { port, place: value.placeOf(0, text.length), role: connects.test(name) ? "uses" : "listens" };
  }
  if (!/(?:^|_)(?:URL|URI|ORIGIN|ENDPOINT|DSN|HOST)$/.test(name)) return undefined;
  const match =
    /^(?:[a-z][\w+.-]*:\/\/)?(?:[^@/\s]*@)?(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0):(\d{1,5})(?=[/?#]|$)/i.exec(
      text,
    );
  const port = readPortNumber(match?.[1] ?? "");
  if (match === null || port === undefined) return undefined;
  return { port, place: value.placeOf(match[0].length - match[1]!.length, match[0].length), role: "uses" };
}
