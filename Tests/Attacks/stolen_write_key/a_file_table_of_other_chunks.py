"""The list of chunks of a large file, planted with chunks of the thief's."""

import errno

import scenes
from rekkord_oracle import blobs, tree
from scenes import DETECTED, WRITE_ONLY_KEY

CHUNK, REST = 8 << 20, 1 << 20


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = DETECTED
    outcome = (
        "A list of chunks is a blob like others, whose hash is not its name: the file is named, and not one "
        "of its bytes is shown"
    )

    def attack(self):
        scenes.put(self.source + "/large", bytes(CHUNK + REST))
        honest = [tree.ChunkReference(0, CHUNK, self.digest(CHUNK)), tree.ChunkReference(CHUNK, REST, self.digest(REST))]
        name = self.object_of(tree.encode_file_table(honest, CHUNK + REST), blobs.FILE)
        evil = tree.encode_file_table([tree.ChunkReference(0, 4, self.writer.blob(blobs.CHUNK, b"evil"))], 4)
        self.plant(name, self.sealed(evil, blobs.FILE))
        self.save("web", self.source)
        self.assert_found(("hash", self.below("large")))
        self.assertNotIn(self.below("large"), self.restored("web", status=3))
        self.assertEqual(self.shown("web")[self.below("large")], errno.EIO)

    def digest(self, size):
        return bytes.fromhex(self.object_of(bytes(size)).rpartition("/")[2])
