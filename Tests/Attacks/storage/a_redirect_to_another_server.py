"""A server that redirects requests to another one, to learn the signature or to reach into the network."""

import http.server
import threading

import scenes
from scenes import REFUSED, STORAGE_WRITER


class Attack(scenes.Bucket):
    threat = STORAGE_WRITER
    end = REFUSED
    outcome = (
        "Redirects are not followed: no request, and no credentials, go anywhere but to the address of the "
        "repository"
    )

    def attack(self):
        self.hurry()
        asked = []

        class Other(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):
                asked.append(handler.path)
                handler.send_error(404)

            do_PUT = do_HEAD = do_GET
            log_message = lambda *_: None  # noqa: E731

        other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other)
        threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            for status in (301, 302, 307, 308):
                for target in (f"http://127.0.0.1:{other.server_address[1]}/x", "file:///etc/passwd"):
                    self.lie(lambda request, ask: (status, {"Location": target}, b""))
                    self.run_program("snapshots", *self.place(), status=1)
                    self.write_ini("save")
                    self.run_program("save", "-C", self.ini("save"), "web", self.source, status=1)
        finally:
            other.shutdown()
            other.server_close()
        self.assertEqual(asked, [])
