"""Each of 400 days: half an hour; scripts/accept runs it."""

from test_days import LongRunCase


class DailyRunTests(LongRunCase):
    def test_saves_and_scans_on_each_of_400_days(self):
        self.run_over(range(400))
