/**
 * @module The port of a command line: by words, by variables, by default.
 */
import { expect, test } from "vitest";
import { LocatedText } from "./located-text.ts";
import { wishesOfCommand } from "./script-command.ts";
import { readShellLine } from "./shell-words.ts";

/** `address:port how` of each wish of a line. */
function wishesOf(line: string): string[] {
  const located = LocatedText.of({ path: "/f", text: line }, 0, line);
  return readShellLine(located, () => undefined).flatMap((command) =>
    wishesOfCommand(command, { configured: () => undefined, environmentFile: () => undefined, isWholeLine: true }).map(
      ({ address, port, ifTaken, origin, place, insertion }) => {
        if (origin === "written") expect(line.slice(place.offset, place.offset + place.length)).toBe(String(port));
        return `${address ?? "*"}:${port} ${ifTaken}${origin === "default" ? ` by default${insertion === null ? "" : `, ${insertion.flag}`}` : ""}`;
      },
    ),
  );
}

test.each([
  ["vite", ["localhost:5173 moves by default, --port"]],
  ["vite --host", ["*:5173 moves by default, --port"]],
  ["vite --mode staging --port 3000", ["localhost:3000 moves"]],
  ["vite preview --port=3000 --strictPort", ["localhost:3000 fails"]],
  ["vite build", []],
  ["next dev", ["*:3000 moves by default, --port"]],
  ["next dev -p3001 -H 127.0.0.1", ["127.0.0.1:3001 fails"]],
  ["next start", ["*:3000 fails by default, --port"]],
  ["cross-env NODE_ENV=x PORT=3002 next dev", ["*:3002 fails"]],
  ["PORT=$PORT_OF_WEB next dev --port ${UNSET}", []],
  ["next dev --port ${PORT:-3003}", ["*:3003 fails"]],
  ["npx --yes vite@5 --port 3000", ["localhost:3000 moves"]],
  ["dotenv -e .env.local -- next dev -p 3004", ["*:3004 fails"]],
  ["node_modules/.bin/ng serve", ["localhost:4200 fails by default, --port"]],
  ["node --inspect server.js", ["127.0.0.1:9229 moves by default"]],
  ["node --inspect-brk=0.0.0.0:9300 server.js --port 80", ["*:80 fails", "127.0.0.1:9300 moves"]],
  ["node --inspect=127.0.0.1:0 server.js", []],
  ["serve -s build -l 5000", ["*:5000 moves"]],
  ["serve -l tcp://127.0.0.1:5000", ["127.0.0.1:5000 moves"]],
  ["python -m http.server 8001", ["*:8001 fails"]],
  ["python manage.py runserver 0.0.0.0:8002", ["0.0.0.0:8002 fails"]],
  ["poetry run uvicorn app:app --port 8003 --host 0.0.0.0", ["0.0.0.0:8003 fails"]],
  ["python -m django runserver 8006", ["127.0.0.1:8006 fails"]],
  ["wrangler pages dev dist", ["localhost:8787 moves by default, --port"]],
  ["wrangler pages deploy dist", []],
  ["vite --clearScreen dev 8001", ["localhost:5173 moves by default, --port"]],
  ["svelte-kit dev", []],
  ["svelte-kit dev -p 3005", ["*:3005 fails"]],
  ["gunicorn -b :8004 app", ["*:8004 fails"]],
  ["gunicorn app", ["127.0.0.1:8000 fails by default, --bind"]],
  ["bundle exec rails s -b '::' -p 8005", ["*:8005 fails"]],
  ["wait-on http://localhost:3000 --port 3000", []],
  ["docker run -p 3000:3000 x --port 3000", []],
  ["echo --port 3000 > out; tsc --watch", ["*:3000 fails"]],
  ["vite --port $(get-port)", []],
  ["vite # --port 3000", ["localhost:5173 moves by default"]],
  ["'vite' \"--port\" '3000'", ["localhost:3000 moves"]],
])("%s", (line, wishes) => {
  expect(wishesOf(line)).toEqual(wishes);
});
