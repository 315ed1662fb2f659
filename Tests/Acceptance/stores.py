"""Repositories on S3."""

import os
import random

from bench import Failure, S3_DOUBLE, item, run_oracle_tests


def run_s3_tests(*names):
    """The same with tests of Tests/S3Double."""
    return run_oracle_tests(*names, folder=S3_DOUBLE)


@item
def s3_requests(bench):
    """S3: each command sends the requests of its row, in every state of the cache, with locks and without."""
    return run_s3_tests("test_double", "test_requests", "test_addresses", "test_tls")


@item
def s3_policies(bench):
    """S3: the shipped policies are enough, no part of one is superfluous, and nothing else is possible."""
    return run_s3_tests("test_policies")


@item
def s3_faults(bench):
    """S3: a fifth of all requests fails; each request of a save fails for good, in both ways; answers are lost."""
    return run_s3_tests("test_faults", "long_faults")


@item
def s3_days(bench):
    """S3: a save and a scan on each of 400 days; damage, overlaid versions, and the way back from status 20."""
    return run_s3_tests("test_days", "test_repair", "long_days")


@item
def chaos(bench):
    """S3: ten minutes of readers, kills and unmounts while the storage fails, hangs, cuts off and flips bits."""
    seed = int(os.environ.get("REKKORD_CHAOS_SEED") or random.SystemRandom().randrange(1 << 30))
    os.environ.update(REKKORD_CHAOS_SEED=str(seed), REKKORD_CHAOS_SECONDS=os.environ.get("REKKORD_CHAOS_SECONDS", "600"))
    try:
        return f"{run_s3_tests('test_chaos')}, seed {seed}"
    except Failure as failure:
        raise Failure(f"seed {seed}: {failure}") from failure
