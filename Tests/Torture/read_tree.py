"""Reads all below a folder, and prints what is there, or which error: {path: [kind, digest of the content]}."""

import errno
import hashlib
import json
import os
import sys


def main(top):
    found = {}

    def fail(path, error):
        found[os.path.relpath(path, top)] = ["error", errno.errorcode.get(error.errno, str(error))]

    for folder, folders, names in os.walk(top, onerror=lambda error: fail(error.filename, error)):
        for name in folders + names:
            path = os.path.join(folder, name)
            try:
                if os.path.islink(path):
                    row = ["link", os.readlink(path)]
                elif name in folders:
                    row = ["folder", ""]
                else:
                    with open(path, "rb") as file:
                        row = ["file", hashlib.sha256(file.read()).hexdigest()]
                found[os.path.relpath(path, top)] = row
            except OSError as error:
                fail(path, error)
    print(json.dumps(found, sort_keys=True))


main(sys.argv[1])
