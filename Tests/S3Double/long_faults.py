"""What takes minutes because retries do; scripts/accept runs it."""

from test_faults import LastingFaultCase


class LongLastingFaultTests(LastingFaultCase):
    def test_each_request_meets_a_server_in_trouble(self):
        self.fail_each_request("status-500", range(100), "server error (500 InternalError) after 10 attempts")
