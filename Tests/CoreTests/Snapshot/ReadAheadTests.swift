import Testing

@testable import Core

@Suite struct ReadAheadTests {
    private let table: FileTable

    init() throws {
        let chunks = (0..<500).map {
            FileTable.Chunk(offset: Int64($0) * 1000, byteCount: 1000, hash: .zero)
        }
        table = try FileTable(ByteBuffer(FileTable.encode(chunks, size: 500_000)))
    }

    private func note(
        _ readAhead: inout ReadAhead,
        _ chunk: Int,
        waited: Bool = false,
        isBulk: Bool = true,
        byteLimit: Int = 1_000_000
    ) -> Int {
        readAhead.note(
            chunk...chunk,
            waited: waited,
            isBulk: isBulk,
            maxWindow: 64,
            byteLimit: byteLimit,
            in: table
        ).count
    }

    @Test("who reads in bulk from the start has all connections busy after the first chunks")
    func bulk() {
        var readAhead = ReadAhead()
        #expect(note(&readAhead, 0, waited: true) == 2)
        // Requests for more of the same chunk want nothing new.
        #expect(note(&readAhead, 0) == 0)
        #expect(note(&readAhead, 1) > 2)
        #expect(note(&readAhead, 2) > 8)
        #expect(note(&readAhead, 3) > 16)
        // From then on one for one.
        #expect(note(&readAhead, 4) == 1)
    }

    @Test("small requests at the start of a file fetch nothing ahead")
    func small() {
        var readAhead = ReadAhead()
        #expect(note(&readAhead, 0, waited: true, isBulk: false) == 0)
        #expect(note(&readAhead, 0, isBulk: false) == 1)
        #expect(note(&readAhead, 1, isBulk: false) == 1)
    }

    @Test("large requests here and there fetch nothing ahead")
    func elsewhere() {
        var readAhead = ReadAhead()
        for chunk in [10, 400, 200, 90, 300] { #expect(note(&readAhead, chunk, waited: true) == 0) }
    }

    @Test("no more is on its way than the limit allows")
    func byteLimit() {
        var readAhead = ReadAhead()
        var asked = 0
        for chunk in 0..<100 {
            asked += note(&readAhead, chunk, waited: true, byteLimit: 5000)
            #expect(asked - chunk <= 5)
        }
    }
}
