"""Where the bucket is: in the path or in the host, and in which region."""

from fixture import S3Case

REGION = "eu-central-1"


class VirtualHostTests(S3Case):
    prefix = "machines/"

    def url(self):
        return f"http://my-backups.s3.localhost:{self.gate_server.port}/machines"

    def test_all_commands(self):
        self.make_tree()
        self.initialize()
        result, report = self.save_tree()
        self.assertEqual(result.requests[0], "GET rekkord")
        self.run_as("read", "list", "-r", report["object"], row="list-oid")
        self.run_as("owner", "change_cid")
        self.assert_sound()
        self.assertTrue(all(not path.startswith("/my-backups") for _, path, _ in self.service.log))
        self.assertLessEqual({key.split("/")[0] for key in self.bucket.versions}, {"machines"})


class RegionTests(S3Case):
    def setUp(self):
        super().setUp()
        self.initialize()
        self.service.region = REGION
        for role in ("read", "save"):
            self.write_ini(role, region=None)

    def test_one_that_the_first_answer_names(self):
        self.make_tree()
        result = self.run_as("read", "snapshots")
        self.assert_requests(result, ["GET rekkord"] * 2, "LIST tags/")
        result, _ = self.save_tree()
        self.assertEqual(result.requests[:3], ["GET rekkord"] * 2 + ["PUT cw conditional"])
        self.assertEqual(result.requests.count("PUT cw conditional"), 1)

    def test_one_that_only_strangers_are_told(self):
        self.service.tells_region = "anonymous"
        result = self.run_as("read", "snapshots", row="open")
        self.assert_requests(result, ["GET rekkord"] * 2, "GET bucket?", "LIST tags/")

    def test_one_that_nobody_names(self):
        self.service.tells_region = "nowhere"
        result = self.run_as("read", "snapshots", row="open", status=1)
        self.assert_requests(result, "GET rekkord", "GET bucket?")
        self.assertEqual(result.stderr.decode().splitlines()[0], "rekkord: error: cannot read 'rekkord': request refused (400 AuthorizationHeaderMalformed)")

    def test_one_in_the_configuration_is_believed(self):
        self.write_ini("read", region=REGION)
        self.assert_requests(self.run_as("read", "snapshots"), "GET rekkord", "LIST tags/")
        self.write_ini("read", region="us-west-2")
        self.assert_requests(self.run_as("read", "snapshots", status=1), "GET rekkord")

    def test_one_in_the_environment_is_believed(self):
        self.environment["AWS_REGION"] = REGION
        self.assert_requests(self.run_as("read", "snapshots"), "GET rekkord", "LIST tags/")
