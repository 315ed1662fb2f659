/// Decides which chunks of a file to fetch ahead of its readers.
///
/// Follows up to two readers. A reader is sequential when it goes on in the chunk where it was or in the next one,
/// requests out of order included; then a window of following chunks is kept on its way. The window starts at one
/// chunk and grows fourfold whenever the reader had to wait. A read elsewhere starts again, without a window at first:
/// whoever looks at the first and last bytes of each file gains nothing from more.
///
/// Large requests are bulk: the kernel asks for so much only when it reads ahead itself. Who reads in bulk from the start
/// of a file has a window at once, and it grows with each chunk that is done, so that all connections are busy two round
/// trips after the first request.
struct ReadAhead {
    private struct Reader {
        var chunk: Int
        var window = 0
        /// The first chunk that was not asked for yet.
        var ahead: Int
        var lastUse: UInt64
    }

    private static let maxReaderCount = 2
    /// What the kernel asks for at most unless root raised it, and only when it is reading ahead.
    static let bulkByteCount = 131_072
    private static let firstBulkWindow = 2

    private var readers: [Reader] = []
    private var uses: UInt64 = 0

    /// Notes a read of `chunks`; returns which chunks to fetch now.
    ///
    /// - Parameters:
    ///   - waited: Whether the reader had to wait for any of them.
    ///   - isBulk: Whether the request was large.
    ///   - maxWindow: How many chunks are worth having on their way.
    ///   - byteLimit: The most that may be on its way for this file.
    ///   - table: Of the file.
    mutating func note(
        _ chunks: ClosedRange<Int>,
        waited: Bool,
        isBulk: Bool,
        maxWindow: Int,
        byteLimit: Int,
        in table: FileTable
    ) -> Range<Int> {
        uses += 1
        let nearby = readers.firstIndex { ($0.chunk - 1...$0.chunk + 1).contains(chunks.lowerBound) }
        guard let index = nearby ?? place(chunks, startsInBulk: isBulk && chunks.lowerBound == 0) else {
            return 0..<0
        }
        var reader = readers[index]
        let advanced = chunks.upperBound > reader.chunk
        reader.lastUse = uses
        reader.chunk = max(reader.chunk, chunks.upperBound)
        if reader.window == 0 {
            reader.window = nearby == nil ? Self.firstBulkWindow : 1
        } else if waited || isBulk && advanced {
            reader.window = min(reader.window * 4, maxWindow)
        }
        let start = max(reader.ahead, reader.chunk + 1)
        var end = start
        var byteCount =
            reader.chunk + 1 < start ? table.chunk(at: start - 1).end - table.chunk(at: reader.chunk).end : 0
        while end < table.count, end <= reader.chunk + reader.window {
            byteCount += Int64(table.chunk(at: end).byteCount)
            if byteCount > byteLimit { break }
            end += 1
        }
        reader.ahead = max(reader.ahead, end)
        readers[index] = reader
        return start..<end
    }

    /// Makes a new reader, in the place of the one unused for longest; returns it if it is to have a window at once.
    private mutating func place(_ chunks: ClosedRange<Int>, startsInBulk: Bool) -> Int? {
        let reader = Reader(chunk: chunks.upperBound, ahead: chunks.upperBound + 1, lastUse: uses)
        let index: Int
        if readers.count < Self.maxReaderCount {
            index = readers.count
            readers.append(reader)
        } else {
            index = readers.indices.min { readers[$0].lastUse < readers[$1].lastUse } ?? 0
            readers[index] = reader
        }
        return startsInBulk ? index : nil
    }

    /// Takes back that chunks from `index` on are on their way.
    mutating func giveBack(from index: Int) {
        for reader in readers.indices where readers[reader].chunk < index {
            readers[reader].ahead = min(readers[reader].ahead, index)
        }
    }
}

/// Decides which files of a folder to fetch ahead when they are read one after the other, as by `cp -a`.
struct SiblingReading {
    private static let maxWindow = 128
    /// How many entries may be left out from one file to the next: subfolders, links, empty files.
    private static let maxStep = 16

    private var last = -1
    /// How many entries after the last one are wanted ahead.
    private(set) var window = 0
    private var ahead = 0

    /// Notes that the folder was listed; returns which entries to fetch now.
    ///
    /// - Parameter inherited: The window of the folders before it.
    mutating func noteListing(count: Int, inherited: Int) -> Range<Int> {
        guard last < 0, ahead == 0 else { return 0..<0 }
        ahead = min(count, inherited)
        return 0..<ahead
    }

    /// Notes that the content of the entry at `position` was asked for; returns which entries to fetch now.
    ///
    /// - Parameters:
    ///   - waited: Whether the reader has to wait for it.
    ///   - count: How many entries the folder has.
    ///   - inherited: The window of the folders before it.
    mutating func note(_ position: Int, waited: Bool, count: Int, inherited: Int) -> Range<Int> {
        guard position != last else { return 0..<0 }
        let isFirst = last < 0
        let follows = isFirst ? inherited > 0 : position > last && position - last <= Self.maxStep
        if isFirst { window = inherited }
        last = position
        guard follows else {
            window = 0
            ahead = position + 1
            return 0..<0
        }
        window = window == 0 ? 2 : waited ? min(window * 4, Self.maxWindow) : window
        let start = max(ahead, position + 1)
        let end = min(count, position + 1 + window)
        guard start < end else { return 0..<0 }
        ahead = end
        return start..<end
    }
}

/// Remembers how somebody reads folder after folder, so that each next folder is fetched ahead from its start.
struct Crawl {
    /// Who pauses for longer has ended.
    private static let idleMilliseconds: Int64 = 500

    private var window = 0
    private var lastRead: Int64 = 0

    /// Notes the window that a folder has after a read in it.
    mutating func note(_ window: Int, at milliseconds: Int64) {
        self.window = window
        lastRead = milliseconds
    }

    /// The window that a new folder starts with; 0 when nobody reads folder after folder.
    func window(at milliseconds: Int64) -> Int {
        milliseconds - lastRead <= Self.idleMilliseconds ? window : 0
    }
}
