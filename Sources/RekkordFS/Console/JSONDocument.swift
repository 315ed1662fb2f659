import Core

/// Writes elements as an array of objects.
struct JSONDocument: DocumentWriter {
    private var writer: JSONWriter

    /// Starts the array.
    init(_ emit: @escaping (String) -> Void) {
        writer = JSONWriter(emit)
        writer.beginArray()
    }

    mutating func beginElement(_ name: String, isTyped: Bool) {
        writer.beginObject()
        if isTyped { text(DocumentKey("type", "Type"), name) }
    }

    mutating func text(_ key: DocumentKey, _ value: String) {
        writer.key(key.json)
        writer.string(value)
    }

    mutating func bytes(_ key: DocumentKey, _ value: [UInt8]) {
        text(key, String(decoding: value, as: UTF8.self))
        guard !PrintedName.isUTF8(value) else { return }
        writer.key(key.json + "_base64")
        writer.string(Base64.encode(value))
    }

    mutating func integer(_ key: DocumentKey, _ value: Int64) {
        writer.key(key.json)
        writer.integer(value)
    }

    mutating func none(_ key: DocumentKey) {
        writer.key(key.json)
        writer.null()
    }

    mutating func beginChildren() {
        writer.key("children")
        writer.beginArray()
    }

    mutating func endChildren() { writer.end() }

    mutating func endElement() { writer.end() }

    mutating func finish() { writer.endAll() }
}
