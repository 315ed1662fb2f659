@testable internal import Core
internal import SystemPackage

/// Everything that is text, or nearly.
enum Texts {
    static func fuzzAttributes(_ input: [UInt8]) {
        guard let attributes = try? ExtendedAttributes.parse(input) else { return }
        let encoded = ExtendedAttributes.encode(attributes)
        guard let again = try? ExtendedAttributes.parse(encoded.bytes) else {
            fatalError("refuses what it wrote")
        }
        precondition(again.count <= attributes.count)
    }

    static func fuzzAccessList(_ input: [UInt8]) {
        _ = try? AccessControlList(binary: input)
        guard let binary = try? AccessControlList.binary(fromText: input) else { return }
        guard let text = try? AccessControlList.text(fromBinary: binary),
            let again = try? AccessControlList.binary(fromText: text)
        else {
            fatalError("refuses what it wrote")
        }
        precondition(again == binary)
    }

    static func fuzzINI(_ input: [UInt8]) {
        _ = try? ConfigFile(input, path: "/etc/rekkord/rekkord.ini")
    }

    static func fuzzXML(_ input: [UInt8]) {
        input.withRawBytes { bytes in
            _ = try? S3Listing(bytes, prefix: "backups/")
            if let error = S3ErrorDocument(bytes) { precondition((1...64).contains(error.code.utf8.count)) }
        }
    }

    static func fuzzIdentifier(_ input: [UInt8]) {
        _ = try? Identifier(input)
        _ = ObjectID(text: String(decoding: input, as: UTF8.self))
        _ = CalendarTime.parseUTC(String(decoding: input, as: UTF8.self))
        _ = CalendarTime.parseHTTP(String(decoding: input, as: UTF8.self))
    }

    static func fuzzLocation(_ input: [UInt8]) {
        _ = try? RepositoryURL(input, relativeTo: "/etc/rekkord")
    }

    /// A line of an exclude file, matched with what follows it.
    static func fuzzPattern(_ input: [UInt8]) {
        let parts = input.split(separator: UInt8(ascii: "\n"), maxSplits: 1)
        guard let first = parts.first, let pattern = try? GlobPattern(Array(first)) else { return }
        _ = pattern.matches(parts.count > 1 ? Array(parts[1]) : Array(first))
    }

    /// A list of `-o`, whose words must come to the same when they are written with all that is special masked.
    static func fuzzMountWords(_ input: [UInt8]) {
        let words = MountWord.list(String(decoding: input, as: UTF8.self))
        let list = words.map { word in masked(word.name) + (word.value.map { "=" + masked($0) } ?? "") }
        precondition(MountWord.list(list.joined(separator: ",")) == words)
    }

    private static func masked(_ text: String) -> String {
        var masked = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "," || scalar == "\\" { masked.append("\\") }
            masked.append(scalar)
        }
        return String(masked)
    }
}
