"""Whom the program believes to be its server: nobody without a certificate that the system, or the user, trusts."""

import os
import shutil
import subprocess
import tempfile

import server
from fixture import S3Case


class TLSTests(S3Case):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="rekkord-tls-")
        cls.addClassCleanup(folder.cleanup)
        cls.authority = cls.make_certificate(folder.name, "authority", "CA:TRUE", "DNS:none")
        names = "DNS:localhost,DNS:*.s3.localhost"
        signed = ["-CA", cls.authority[0], "-CAkey", cls.authority[1]]
        cls.good = cls.make_certificate(folder.name, "good", "CA:FALSE", names, *signed)
        cls.other = cls.make_certificate(folder.name, "other", "CA:FALSE", "DNS:example.org", *signed)
        cls.own = cls.make_certificate(folder.name, "own", "CA:FALSE", names)

    @staticmethod
    def make_certificate(folder, name, constraint, names, *more):
        """Makes a key and a certificate for two days; returns both paths."""
        paths = os.path.join(folder, f"{name}.pem"), os.path.join(folder, f"{name}.key")
        options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        extensions = ["-addext", f"basicConstraints=critical,{constraint}", "-addext", f"subjectAltName={names}"]
        command = ["openssl", "req", "-x509", *options, "-subj", f"/CN={name}", *extensions, *more]
        subprocess.run([*command, "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
        return paths

    def serve(self, certificate, host="localhost", path="/my-backups"):
        secured = self.started(server.Server(self.service, certificate))
        for role in ("root", "save"):
            self.write_ini(role, url=f"https://{host}:{secured.port}{path}")

    def assert_refused(self, reason, hint="SSL_CERT_FILE"):
        """The server is not told anything, no signature either."""
        result = self.run_as("root", "snapshots", status=1)
        self.assertEqual(self.service.log, [])
        first, second = result.stderr.decode().splitlines()
        self.assertTrue(first.startswith("rekkord: error: cannot read 'rekkord': "), first)
        self.assertIn(reason, first)
        self.assertIn(hint, second)

    def test_a_certificate_that_nobody_signed(self):
        self.serve(self.own)
        self.assert_refused("self-signed certificate")

    def test_an_authority_that_the_system_does_not_know(self):
        self.serve(self.good)
        self.assert_refused("unable to get local issuer certificate")

    def test_the_certificate_of_another_host(self):
        self.serve(self.other)
        self.environment["SSL_CERT_FILE"] = self.authority[0]
        self.assert_refused("no alternative certificate subject name matches target host name 'localhost'")

    def test_a_certificate_of_yesterday(self):
        self.serve(self.good)
        self.environment["SSL_CERT_FILE"] = self.authority[0]
        self.at_day(3)
        self.assert_refused("certificate has expired")

    def test_a_file_of_certificates_that_is_not_there(self):
        self.serve(self.good)
        self.environment["SSL_CERT_FILE"] = self.path("none.pem")
        self.assert_refused("none.pem")

    def test_a_private_authority_that_the_user_names(self):
        self.make_tree()
        shutil.copy(self.authority[0], self.path("authority.pem"))
        for variable, value in (("SSL_CERT_FILE", self.authority[0]), ("AWS_CA_BUNDLE", "authority.pem")):
            for host, path in (("localhost", f"/my-backups/{variable}"), ("my-backups.s3.localhost", f"/virtual/{variable}")):
                with self.subTest(variable, host=host):
                    self.environment.pop("SSL_CERT_FILE", None)
                    self.environment[variable] = value
                    self.serve(self.good, host, path)
                    self.run_program("init", "-C", self.ini("root"), cwd=self.folder)
                    self.run_program("save", "-C", self.ini("root"), "web", self.tree, cwd=self.folder)
