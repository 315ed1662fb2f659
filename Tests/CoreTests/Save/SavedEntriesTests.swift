import TestSupport
import Testing

@testable import Core

@Suite struct SavedEntriesTests {
    @Test("an entry takes 128 bytes, whatever it is")
    func size() {
        #expect(MemoryLayout<SavedEntry>.stride == 128)
        #expect(_isPOD(SavedEntry.self))
    }

    private func unreadable(_ change: (inout SavedEntry) -> Void = { _ in }) -> SavedEntry {
        var entry = SavedEntry.unknown
        change(&entry)
        return entry
    }

    @Test("entries come out in order with their names, without those that are left out")
    func order() {
        var entries = SavedEntries()
        for name in ["a", "bb", "", "ccc"] {
            let index = entries.append(
                unreadable(),
                name: Array(name.utf8),
                extended: Array((name + "!").utf8),
                operandKey: nil
            )
            if name == "bb" { entries.update(index) { $0.isLeftOut = true } }
            entries.settle(index)
        }
        #expect(entries.count == 4)
        #expect(entries.roots.map(\.name) == ["a", "", "ccc"].map { Array($0.utf8) })
        #expect(entries.roots.map(\.extended) == ["a!", "!", "ccc!"].map { Array($0.utf8) })
        let blob = DirectoryBlob.encode(size: 0, entries: 0, children: entries.roots)
        #expect(entries.encoded == blob)
    }
}
