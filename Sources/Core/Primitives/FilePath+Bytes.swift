import Glibc
public import SystemPackage

extension FilePath {
    /// Takes the bytes of a path as they are; whatever follows a NUL is lost.
    public init(bytes: some Collection<UInt8>) {
        self = System.withCString(Array(bytes)) { FilePath(platformString: $0) }
    }

    /// The bytes of the path, without a terminator.
    public var bytes: [UInt8] {
        withPlatformString { text in
            Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
        }
    }

    /// The path as messages show it: control characters, `\` and invalid UTF-8 escaped.
    public var printed: String { PrintedName.escape(bytes) }

    /// The path seen from `folder`; itself when it is absolute.
    public func resolved(in folder: FilePath) -> FilePath {
        folder.pushing(self)
    }
}
