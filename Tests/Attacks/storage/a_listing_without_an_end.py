"""A server whose listing never ends, or goes in circles."""

import itertools

import scenes
from scenes import REFUSED, STORAGE_WRITER

PAGE = (
    '<?xml version="1.0"?><ListBucketResult><IsTruncated>true</IsTruncated>'
    "<NextContinuationToken>{token}</NextContinuationToken>{rows}</ListBucketResult>"
)
ROW = "<Contents><Key>tags/P/{number}</Key><Size>0</Size><ETag>x</ETag></Contents>"


class Attack(scenes.Bucket):
    threat = STORAGE_WRITER
    end = REFUSED
    outcome = (
        "A page that was asked for before ends the listing with an error, as do the same page for ever and page after "
        "page of nothing"
    )

    def attack(self):
        self.hurry()
        turns, numbers = itertools.count(), itertools.count()

        def answer(token, rows):
            def say(request, ask):
                return (200, {}, PAGE.format(token=token(), rows=rows()).encode()) if request.startswith("LIST") else ask()

            return say

        for token, rows in (
            (lambda: "same", lambda: ROW.format(number=1)),
            (lambda: f"t{next(turns) % 2}", lambda: ROW.format(number=next(numbers) % 3)),
            (lambda: f"t{next(turns)}", lambda: ""),
        ):
            self.lie(answer(token, rows))
            self.refused("snapshots", *self.place(), status=1, says="cannot list")
