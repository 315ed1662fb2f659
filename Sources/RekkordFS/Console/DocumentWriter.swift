import Core

/// Names a value in documents.
///
/// - Source: rekkord(1).
struct DocumentKey: Hashable {
    /// The key of a JSON object.
    let json: String
    /// The XML attribute.
    let xml: String

    /// Joins both spellings.
    init(_ json: String, _ xml: String) {
        self.json = json
        self.xml = xml
    }

    static let added = DocumentKey("added", "Added")
    static let atime = DocumentKey("atime", "Atime")
    static let btime = DocumentKey("btime", "Btime")
    static let channel = DocumentKey("channel", "Channel")
    /// The name of an element that is a channel.
    static let channelName = DocumentKey("channel", "Name")
    static let count = DocumentKey("count", "Count")
    static let ctime = DocumentKey("ctime", "Ctime")
    static let gid = DocumentKey("gid", "GID")
    static let key = DocumentKey("key", "Key")
    static let mode = DocumentKey("mode", "Mode")
    static let mtime = DocumentKey("mtime", "Mtime")
    static let name = DocumentKey("name", "Name")
    static let object = DocumentKey("object", "Object")
    static let protectedUntil = DocumentKey("protected_until", "ProtectedUntil")
    static let size = DocumentKey("size", "Size")
    static let stored = DocumentKey("stored", "Stored")
    static let tag = DocumentKey("tag", "Tag")
    static let time = DocumentKey("time", "Time")
    static let uid = DocumentKey("uid", "UID")
}

/// Writes a list of elements, which may hold elements, as a document, piece by piece.
///
/// The values of an element come before its children. Memory grows with the depth of open elements only.
protocol DocumentWriter {
    /// Starts an element.
    ///
    /// - Parameter isTyped: Whether JSON tells the name too, as `type`.
    mutating func beginElement(_ name: String, isTyped: Bool)
    /// Adds text to the element.
    mutating func text(_ key: DocumentKey, _ value: String)
    /// Adds bytes that are most likely text: lossy, and as base64 too when the document cannot hold them.
    mutating func bytes(_ key: DocumentKey, _ value: [UInt8])
    /// Adds a number.
    mutating func integer(_ key: DocumentKey, _ value: Int64)
    /// Tells that there is no value: null in JSON, nothing in XML.
    mutating func none(_ key: DocumentKey)
    /// Starts the children of the element.
    mutating func beginChildren()
    /// Ends the children of the element.
    mutating func endChildren()
    /// Ends the element.
    mutating func endElement()
    /// Ends the document, and first whatever is still open.
    mutating func finish()
}

extension DocumentWriter {
    /// Adds a time, in UTC.
    mutating func time(_ key: DocumentKey, _ value: Timestamp) {
        text(key, CalendarTime.utc(value))
    }
}
