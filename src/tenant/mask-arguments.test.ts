import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maskArguments, maskText } from "./mask-arguments.ts";

/** Argument lists as they are seen, and what may be shown of them. Arguments are parted by ` | `. */
const argumentLists: readonly (readonly [given: string, shown: string])[] = [
  // Options whose names announce a secret.
  ["app | --password=hunter2", "app | --password=***"],
  ["app | --password | hunter2 | --port | 3000", "app | --password | *** | --port | 3000"],
  ["app | --db-pass | hunter2", "app | --db-pass | ***"],
  ["app | --token | abc", "app | --token | ***"],
  ["app | --api-key=abc", "app | --api-key=***"],
  ["app | --apiKey | abc", "app | --apiKey | ***"],
  ["app | --secret | abc", "app | --secret | ***"],
  ["app | --auth | admin:abc", "app | --auth | ***"],
  ["app | --client-secret=abc", "app | --client-secret=***"],
  ["app | -password | abc", "app | -password | ***"],
  ["redis-server | --requirepass | abc | --port | 6379", "redis-server | --requirepass | *** | --port | 6379"],
  [
    "java | -Dspring.datasource.password=a b c | -jar | app.jar",
    "java | -Dspring.datasource.password=*** | -jar | app.jar",
  ],
  ["beam.smp | -setcookie | monster | -noshell", "beam.smp | -setcookie | *** | -noshell"],
  ["app | --password=a=b&c d;e", "app | --password=***"],
  ["app | --password | ", "app | --password | "],
  // Variables.
  ["env | PGPASSWORD=x y;z | psql", "env | PGPASSWORD=*** | psql"],
  ["env | GH_TOKEN=abc | FOO=bar | gh", "env | GH_TOKEN=*** | FOO=bar | gh"],
  ["env | AWS_SECRET_ACCESS_KEY=abc/def+g | aws", "env | AWS_SECRET_ACCESS_KEY=*** | aws"],
  ["docker | run | -e | MYSQL_ROOT_PASSWORD=abc | mysql", "docker | run | -e | MYSQL_ROOT_PASSWORD=*** | mysql"],
  ["docker | run | --env=DB_PASSWORD_PROD=abc | app", "docker | run | --env=DB_PASSWORD_PROD=*** | app"],
  ["helm | --set | db.password=abc", "helm | --set | db.password=***"],
  ["sh | -c | PGPASSWORD=abc psql -h db", "sh | -c | PGPASSWORD=*** psql -h db"],
  ["sh | -c | PGPASSWORD='a b' psql -h db", "sh | -c | PGPASSWORD='***' psql -h db"],
  ["sh | -c | mysql --password 'a b' db", "sh | -c | mysql --password '***' db"],
  ['bash | -lc | exec sh -c "mysql -pabc db"', 'bash | -lc | exec sh -c "mysql -p*** db"'],
  // URLs.
  ["app | postgres://user:pass@host:5432/db", "app | postgres://user:***@host:5432/db"],
  ["app | --db=redis://:pass@host/0", "app | --db=redis://:***@host/0"],
  ["app | postgres://user:pa/ss@host/db", "app | postgres://user:***@host/db"],
  ["app | postgres://user:p@ss@host/db", "app | postgres://user:***@host/db"],
  ["app | mongodb://u:a@h1,h2/db,amqp://v:b@h3", "app | mongodb://u:***@h1,h2/db,amqp://v:***@h3"],
  ["app | https://host:8080/a@b", "app | https://host:8080/a@b"],
  ["app | https://user@host/", "app | https://user@host/"],
  ["app | https://h/?token=abc&page=2&key=def#top", "app | https://h/?token=***&page=2&key=***#top"],
  ["app | https://h/?page=2&access_token=abc", "app | https://h/?page=2&access_token=***"],
  // Headers and pairs in texts.
  ["curl | -H | Authorization: Bearer abc.def", "curl | -H | Authorization: Bearer ***"],
  ["curl | -H | Authorization: Basic dXNlcjpwYXNz", "curl | -H | Authorization: Basic ***"],
  ["curl | -HX-Api-Key: abc", "curl | -HX-Api-Key: ***"],
  ["curl | --header=Cookie: a=b; c=d", "curl | --header=Cookie: ***"],
  ['app | {"user":"me","password":"a b","port":1}', 'app | {"user":"me","password":"***","port":1}'],
  ["psql | host=db user=me password=abc dbname=x", "psql | host=db user=me password=*** dbname=x"],
  ["app | Server=db;User=me;Password=abc;Pooling=true", "app | Server=db;User=me;Password=***;Pooling=true"],
  ["mount.cifs | -o | username=me,password=a,b,uid=0", "mount.cifs | -o | username=me,password=***,uid=0"],
  // Clients with short options of their own.
  ["mysql | -u | root | -pSECRET | -P | 3307 | db", "mysql | -u | root | -p*** | -P | 3307 | db"],
  ["/usr/bin/mariadb-dump | -pSECRET", "/usr/bin/mariadb-dump | -p***"],
  ["mysql | -p | db", "mysql | -p | db"],
  ["mysqld | -p3306", "mysqld | -p3306"],
  ["node | server.js | -p3000", "node | server.js | -p3000"],
  ["sshpass | -p | abc | ssh | -p | 2222 | host", "sshpass | -p | *** | ssh | -p | 2222 | host"],
  ["sshpass | -pabc | ssh | host", "sshpass | -p*** | ssh | host"],
  ["curl | -u | user:pass | https://h", "curl | -u | user:*** | https://h"],
  ["curl | -uuser:pass", "curl | -uuser:***"],
  ["curl | --user=user:pass", "curl | --user=user:***"],
  ["sudo | curl | --proxy-user | user:pass", "sudo | curl | --proxy-user | user:***"],
  ["redis-cli | -a | abc | ping", "redis-cli | -a | *** | ping"],
  // Shapes.
  ["app | ghp_0123456789abcdefghijABCDEFGHIJ012345", "app | ***"],
  ["app | github_pat_0123456789abcdefghijAB", "app | ***"],
  ["app | key:sk-proj-0123456789abcdef", "app | key:***"],
  ["app | xoxb-0123456789-abcdef", "app | ***"],
  ["app | AKIAIOSFODNN7EXAMPLE", "app | ***"],
  ["app | glpat-0123456789abcdefghij", "app | ***"],
  ["app | npm_0123456789abcdefghijABCDEFGHIJ", "app | ***"],
  ["app | eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "app | ***"],
  [
    "app | -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- x",
    "app | -----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY----- x",
  ],
  // Not secrets.
  [
    "app | --password-file | /run/secrets/db | --token-path=/x",
    "app | --password-file | /run/secrets/db | --token-path=/x",
  ],
  ["app | --no-password | db", "app | --no-password | db"],
  ["app | --secret-name | db", "app | --secret-name | db"],
  ["app | --max-tokens | 4096", "app | --max-tokens | 4096"],
  ["app | --token-ttl=30 | --auth-type | basic", "app | --token-ttl=30 | --auth-type | basic"],
  ["code-server | --auth | none | --port | 8080", "code-server | --auth | none | --port | 8080"],
  ["mongod | --auth | --bind_ip | 127.0.0.1", "mongod | --auth | --bind_ip | 127.0.0.1"],
  ["app | --private-key | /etc/tls/key.pem", "app | --private-key | /etc/tls/key.pem"],
  ["app | --ssh-key=~/.ssh/id", "app | --ssh-key=~/.ssh/id"],
  ["app | PWD=/home/me | --bypass | x", "app | PWD=/home/me | --bypass | x"],
  ["ssh | -p | 2222 | me@host", "ssh | -p | 2222 | me@host"],
  ["node | /x/node_modules/.bin/vite | --port=5173", "node | /x/node_modules/.bin/vite | --port=5173"],
  ["next-server (v16.4.5)", "next-server (v16.4.5)"],
  ["app | arn:aws:secretsmanager:eu:1:secret:prod/db", "app | arn:aws:secretsmanager:eu:1:secret:prod/db"],
  [
    "nginx: master process /usr/sbin/nginx -g daemon on; master_process on;",
    "nginx: master process /usr/sbin/nginx -g daemon on; master_process on;",
  ],
  ["postgres: app me db 127.0.0.1(5000) authentication", "postgres: app me db 127.0.0.1(5000) authentication"],
];

describe("maskArguments", () => {
  test.each(argumentLists)("%s", (given, shown) => {
    expect(maskArguments(given.split(" | ")).join(" | ")).toBe(shown);
  });

  test("keeps the number of arguments and changes nothing the second time", () => {
    fc.assert(
      fc.property(argumentListArbitrary(), (argv) => {
        const once = maskArguments(argv);
        expect(once).toHaveLength(argv.length);
        expect(maskArguments(once)).toEqual(once);
      }),
      { numRuns: 2000 },
    );
  });

  test("hides a random secret wherever a name announces it", () => {
    const secret = fc.stringMatching(/^Q[A-Za-z0-9+/_.~!%^*]{7,30}$/);
    fc.assert(
      fc.property(secret, (value) => {
        const lists = [
          ["x", `--password=${value}`],
          ["x", "--password", value],
          ["x", `DB_TOKEN=${value}`],
          ["x", `https://me:${value}@h/`],
          ["x", "-H", `Authorization: Bearer ${value}`],
          ["sh", "-c", `A=1 APP_SECRET='${value}' run --api-key "${value}" --token=${value}`],
          ["mysql", `-p${value}`],
        ];
        for (const list of lists) expect(maskArguments(list).join(" ")).not.toContain(value);
      }),
    );
  });
});

describe("maskText", () => {
  test("changes nothing the second time and keeps white space", () => {
    fc.assert(
      fc.property(
        fc.array(pieceArbitrary(), { maxLength: 12 }).map((pieces) => pieces.join("")),
        (text) => {
          const once = maskText(text);
          expect(maskText(once)).toBe(once);
        },
      ),
      { numRuns: 5000 },
    );
  });

  test("takes linear time on a megabyte, whatever it is made of", () => {
    const pieces = [
      "eyJ",
      "eyJ-",
      "eyJabcdefgh.",
      "sk-",
      "ghp_",
      "://",
      "a://b:c@",
      "a:b@",
      "=",
      "a=",
      "token=",
      "password: ",
      "-----BEGIN ",
      "-----BEGIN PRIVATE KEY-----",
      "Bearer ",
      "Basic a",
      "'",
      '"',
      "' ",
      '="',
      "='",
      "--password ",
      "--a",
      "-p",
      " ",
      ",a=",
      ",token=",
      "?key=",
      "authorization:",
      "token:",
      "x-",
      "X-a:",
      "SG.",
      "a",
      "A",
      "_",
      "\\",
      "mysql ",
      "curl -u ",
      "sh -c '",
      '"\\',
      ":/",
    ];
    for (const piece of pieces) {
      const text = piece.repeat(Math.ceil(1_000_000 / piece.length));
      const started = performance.now();
      maskArguments(["sh", "-c", text]);
      // Linear work takes some 100 ms; a quadratic pattern takes minutes.
      expect(performance.now() - started, `a megabyte of ${JSON.stringify(piece)}`).toBeLessThan(5000);
    }
  }, 60_000);
});

function argumentListArbitrary(): fc.Arbitrary<string[]> {
  return fc.array(
    fc.oneof(
      fc.array(pieceArbitrary(), { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join("")),
      fc.constantFrom(...argumentLists.flatMap(([given]) => given.split(" | "))),
    ),
    { maxLength: 8 },
  );
}

/** Pieces of which patterns are made, so that random texts come near to them. */
function pieceArbitrary(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom(
      "--",
      "-",
      "password",
      "token",
      "PASS",
      "=",
      ":",
      "://",
      "@",
      "/",
      "?",
      "&",
      "key",
      " ",
      "'",
      '"',
      "Bearer ",
      "Basic ",
      "eyJhbGciOi",
      ".",
      "ghp_",
      "sk-",
      "-----BEGIN ",
      "PRIVATE KEY-----",
      "-----END ",
      ",",
      ";",
      "\n",
      "mysql",
      "-p",
      "curl",
      "-u",
      "user:x",
      "***",
      "sh -c ",
      "Authorization: ",
      "{",
      "}",
      "\\",
      "0123456789abcdefghij",
      "true",
      "auth",
      "none",
      "#",
      "|",
      "(",
      ")",
    ),
    fc.string({ maxLength: 6 }),
  );
}
