# Runs `docker-compose config` in one process for many folders, the very command by its own entry point, and prints the published ports of each
# file that it accepts as a line of JSON. Folder and further words of each run come as lines of JSON on standard input.
import contextlib, io, json, os, sys
import yaml
from compose.cli import main
from docker.utils.ports import split_port


def port_entries(entry):
    """One entry of what `config` prints, as [address, published, target, protocol], one for each port."""
    if isinstance(entry, dict):
        published = entry.get("published")
        return [["", None if published is None else str(published), str(entry["target"]), entry.get("protocol", "tcp")]]
    internal, external = split_port(str(entry))
    outside = external if external is not None else [None] * len(internal)
    found = []
    for inside, published in zip(internal, outside):
        target, _, protocol = inside.partition("/")
        address, port = published if isinstance(published, tuple) else ("", published)
        found.append([address, port, target, protocol or "tcp"])
    return found


def run(folder, words):
    os.chdir(folder)
    sys.argv = ["docker-compose", *words, "config"]
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main.main()
    except SystemExit as end:
        if end.code not in (0, None):
            return None
    except Exception:
        return None
    document = yaml.safe_load(out.getvalue())
    return [
        [name, *port]
        for name, service in (document.get("services") or {}).items()
        for entry in service.get("ports") or []
        for port in port_entries(entry)
    ]


for line in sys.stdin:
    folder, words = json.loads(line)
    print(json.dumps(run(folder, words)), flush=True)
