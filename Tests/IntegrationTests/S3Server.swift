import Foundation
import Glibc
import SystemPackage
import TestSupport

/// Runs one of the S3 servers of others on a free port of this machine, and ends it with the value.
final class S3Server {
    enum Kind: Sendable {
        /// Knows versions, locks, checksums and conditional writes; believes every signature.
        case moto
        /// Checks signatures; keeps objects as files.
        case rclone
    }

    static let accessKeyID = "AKIAIOSFODNN7EXAMPLE"
    static let secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    static let bucket = "bucket"

    /// Where the programs are; nil when they cannot be had, which skips the tests and fails continuous integration.
    static let programs: String? = {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../scripts/s3-servers-venv").standardizedFileURL
        guard let output = try? run(FilePath(script.path), in: "/", []), !output.isEmpty else { return nil }
        return output
    }()

    let port: Int
    private let process: Program.Running
    private let folder: TemporaryDirectory

    /// Starts a server with an empty bucket.
    init(_ kind: Kind) throws {
        guard let programs = Self.programs else { throw S3ServerError("the servers are not installed") }
        folder = try TemporaryDirectory()
        port = try Self.freePort()
        var program = Program(in: folder.path)
        program.timeoutSeconds = 10
        switch kind {
        case .moto:
            program.path = FilePath(programs + "/moto_server")
            process = try program.start("-H", "127.0.0.1", "-p", String(port))
        case .rclone:
            try FileManager.default.createDirectory(
                atPath: folder["root/" + Self.bucket].string,
                withIntermediateDirectories: true
            )
            program.path = FilePath(programs + "/rclone")
            process = try program.start(
                "serve",
                "s3",
                "root",
                "--addr",
                "127.0.0.1:\(port)",
                "--auth-key",
                "\(Self.accessKeyID),\(Self.secretKey)",
                "--config",
                "/dev/null"
            )
        }
        try waitUntilReady()
        if kind == .moto {
            _ = try client("s3.create_bucket(Bucket='\(Self.bucket)', ObjectLockEnabledForBucket=True)")
        }
    }

    deinit {
        process.send(SIGTERM)
        _ = try? process.wait()
    }

    /// Lets boto3 do something with `s3`, and returns what it prints.
    func client(_ statement: String) throws -> String {
        guard let programs = Self.programs else { throw S3ServerError("the servers are not installed") }
        let text = """
            import boto3
            from botocore.config import Config
            s3 = boto3.client('s3', endpoint_url='http://127.0.0.1:\(port)', region_name='us-east-1',
                aws_access_key_id='\(Self.accessKeyID)', aws_secret_access_key='\(Self.secretKey)',
                config=Config(s3={'addressing_style': 'path'}))
            \(statement)
            """
        return try Self.run(FilePath(programs + "/python"), in: folder.path, ["-c", text])
    }

    private func waitUntilReady() throws {
        for _ in 0..<600 {
            if Self.accepts(port) { return }
            usleep(100_000)
        }
        throw S3ServerError("the server does not start")
    }

    private static func accepts(_ port: Int) -> Bool {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(number) }
        return withAddress(port) { connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) } == 0
    }

    private static func freePort() throws -> Int {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(number) }
        guard withAddress(0, { bind(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }) == 0 else {
            throw S3ServerError("no port is free")
        }
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &size) }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func withAddress(_ port: Int, _ body: (UnsafePointer<sockaddr>) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
        }
    }

    private static func run(
        _ path: FilePath,
        in folder: FilePath,
        _ arguments: [String]
    ) throws -> String {
        var program = Program(in: folder)
        program.path = path
        program.timeoutSeconds = 300
        let result = try program.run(bytes: arguments.map { Array($0.utf8) })
        guard result.status == 0 else { throw S3ServerError("\(path) failed: \(result.error)") }
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

struct S3ServerError: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}
