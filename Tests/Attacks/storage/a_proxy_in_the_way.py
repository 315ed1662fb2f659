"""A server in the middle with a certificate of its own."""

import subprocess

import scenes
import server
from fixture import BUCKET
from scenes import REFUSED, STORAGE_WRITER


class Attack(scenes.Bucket):
    threat = STORAGE_WRITER
    end = REFUSED
    outcome = (
        "Certificates are always checked, and there is no switch: nothing is sent, not even the name of an "
        "object"
    )

    def attack(self):
        key, certificate = self.path("evil.pem"), self.path("evil.crt")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
            check=True, capture_output=True,
        )  # fmt: skip
        evil = self.started(server.Server(self.service, (certificate, key)))
        asked = []
        self.service.policies.allows = lambda *arguments, **options: asked.append(arguments)
        for role, command in (("read", ["snapshots"]), ("save", ["save", "web", self.source])):
            self.write_ini(role, url=f"https://localhost:{evil.port}/{BUCKET}")
            result = self.run_program(command[0], "-C", self.ini(role), *command[1:], status=1)
            self.assertIn(b"certificate", result.stderr)
        self.assertEqual(asked, [])
