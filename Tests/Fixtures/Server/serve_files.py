"""Serves the files of FOLDER over HTTP with ranges, and badly where a URL begins with the name of a fault.

Usage: serve_files.py FOLDER. Prints the port, and ends with its standard input.

/FAULT/PATH is the file PATH of FOLDER: `busy` answers 503 twice and then well, `cuts` ends the body early twice, `broken` and `cut`
do so for ever, `stall` sends half of it and then nothing, `plain` knows no ranges, `denied` answers 403 for what is not there, and
`good` has no fault. /count says how many requests there were.
"""

import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

FOLDER = Path(sys.argv[1])
FAULTS = {"busy", "cuts", "broken", "cut", "stall", "plain", "denied", "good"}
SEEN = Counter()
LOCK = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=b"", fields=(), announced=None):
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if announced is None else announced))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        fault, _, path = unquote(self.path.split("?")[0]).lstrip("/").partition("/")
        with LOCK:
            SEEN["all"] += 1
            SEEN[self.path] += 1
            seen, total = SEEN[self.path], SEEN["all"]
        if fault == "count":
            return self.answer(200, str(total).encode())
        assert fault in FAULTS, fault
        file = FOLDER / path
        if not file.is_file():
            return self.answer(403 if fault == "denied" else 404)
        if fault == "broken" or (fault == "busy" and seen <= 2):
            return self.answer(503, b"busy", [("Retry-After", "0")])
        body = file.read_bytes()
        fields, status, whole = [("ETag", f'"{file.stat().st_mtime_ns}"')], 200, len(body)
        wanted = self.headers.get("Range")
        if wanted and fault != "plain":
            first, last = wanted.removeprefix("bytes=").split("-")
            start = int(first) if first else max(0, whole - int(last))
            end = min(whole, int(last) + 1) if first and last else whole
            if start >= whole:
                return self.answer(416, b"", [("Content-Range", f"bytes */{whole}")])
            body, status = body[start:end], 206
            fields.append(("Content-Range", f"bytes {start}-{end - 1}/{whole}"))
        if fault == "stall" or fault == "cut" or (fault == "cuts" and seen <= 2):
            self.answer(status, body[: len(body) // 2], fields, announced=len(body))
            self.wfile.flush()
            if fault == "stall":
                time.sleep(8)
            self.close_connection = True
            return None
        return self.answer(status, body, fields)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
