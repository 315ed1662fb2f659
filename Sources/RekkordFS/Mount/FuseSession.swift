internal import CFuseShim
import Core
import Glibc

/// Joins a server to the kernel: one mount from its beginning to its end.
///
/// The threads that receive are never cancelled: they leave when the mount has gone. What libfuse allocated stays
/// until the process ends, since requests may still be waiting for blobs then.
final class FuseSession: Sendable {
    private let server: FuseServer
    private let mountPoint: MountPoint
    private let handle: FuseHandle
    private let threads = Locked<[WorkerThread]>([])
    /// The file system, as soon as it is known.
    private let device = Locked<(major: UInt32, minor: UInt32)?>(nil)

    /// Prepares a mount.
    ///
    /// - Parameters:
    ///   - options: One word or `word=value` each, taken literally.
    ///   - mountPoint: Where it goes.
    init(_ server: FuseServer, options: [[UInt8]], mountPoint: MountPoint) throws(RekkordError) {
        self.server = server
        self.mountPoint = mountPoint
        // Never released: after a signal, threads may still be in a mount that is in use when the process ends.
        var callbacks = Self.callbacks(Unmanaged.passRetained(server).toOpaque())
        let pointer = CStrings.with(options) { rk_session_new($0, options.count, &callbacks) }
        guard let pointer else {
            let reason = String(cString: rk_last_message())
            throw RekkordError(.usage, "cannot mount on '\(mountPoint.printed)': \(reason)")
        }
        handle = FuseHandle(pointer: pointer)
        server.attach(handle)
    }

    /// Mounts and starts to answer on `threadCount` threads; `ended` is called once when the mount has gone.
    func start(threadCount: Int, ended: @escaping @Sendable () -> Void) throws(RekkordError) {
        guard System.withCString(mountPoint.path, { rk_session_mount(handle.pointer, $0) }) == 0 else {
            let code = errno
            defer { rk_session_free(handle.pointer) }
            let message = String(cString: rk_last_message())
            let unknown = code == 0 ? "fusermount3 failed" : String(cString: strerror(code))
            let reason = message.isEmpty ? unknown : message
            throw RekkordError(.system, "cannot mount on '\(mountPoint.printed)': \(reason)")
        }
        let last = LastOne(remaining: threadCount, ended)
        var started: [WorkerThread] = []
        do throws(RekkordError) {
            for _ in 0..<threadCount {
                started.append(
                    try WorkerThread(name: "fuse") { [handle] in
                        _ = rk_session_receive(handle.pointer)
                        last.leave()
                    }
                )
            }
        } catch {
            // Nobody would answer it.
            try? detach(from: mountPoint.path)
            throw error
        }
        threads.withLock { [started] in $0 = started }
    }

    /// Returns when the kernel has greeted the session, so that the mount is up, or it has ended already.
    ///
    /// Nothing is asked of the mount itself: a thread that waits for an answer of its own process cannot be killed.
    func waitUntilGreeted() {
        rk_session_wait(handle.pointer)
        guard let found = try? Self.device(at: mountPoint.path) else { return }
        // What has ended already may have left what was there before.
        guard Self.places(of: found)?.contains(mountPoint.path) == true else { return }
        device.withLock { $0 = found }
    }

    /// Major and minor number of the mount that is up, where the kernel tells them without a request.
    var mountedDevice: (major: UInt32, minor: UInt32)? { device.withLock { $0 } }

    private static func device(at path: [UInt8]) throws(RekkordError) -> (major: UInt32, minor: UInt32) {
        var (major, minor): (UInt32, UInt32) = (0, 0)
        guard System.withCString(path, { rk_mount_device($0, &major, &minor) }) == 0 else {
            throw cannotUnmount(path, String(cString: strerror(errno)))
        }
        return (major, minor)
    }

    /// Where a FUSE file system is mounted; nil where there is no table of mounts.
    private static func places(of device: (major: UInt32, minor: UInt32)) -> [[UInt8]]? {
        MountTable.current()?.points(ofFuseDevice: UInt64(device.major) << 32 | UInt64(device.minor))
    }

    /// Takes the mount out of the tree, also when it is in use; does nothing when somebody did that.
    ///
    /// It is looked for where it is now: its folder may have been moved, and another mount may have its old place.
    func detach() throws(RekkordError) {
        guard let device = mountedDevice, let places = Self.places(of: device) else {
            return try detach(from: mountPoint.path)
        }
        let here = places.first { $0 == mountPoint.path } ?? places.first
        guard let here else { return }
        guard try Self.device(at: here) == device else {
            throw Self.cannotUnmount(here, "another file system is mounted over it")
        }
        try detach(from: here)
    }

    private func detach(from path: [UInt8]) throws(RekkordError) {
        guard System.withCString(path, { rk_detach($0) }) == 0 || errno == EINVAL else {
            throw Self.cannotUnmount(path, String(cString: strerror(errno)))
        }
    }

    private static func cannotUnmount(_ path: [UInt8], _ reason: String) -> RekkordError {
        RekkordError(.system, "cannot unmount '\(PrintedName.escape(path))': \(reason)")
    }

    /// Calls `action` when the last of several threads leaves.
    private final class LastOne: Sendable {
        private let remaining: Locked<Int>
        private let action: @Sendable () -> Void

        init(remaining: Int, _ action: @escaping @Sendable () -> Void) {
            self.remaining = Locked(remaining)
            self.action = action
        }

        func leave() {
            let isLast = remaining.withLock { remaining in
                remaining -= 1
                return remaining == 0
            }
            if isLast { action() }
        }
    }

    // MARK: Callbacks

    private static func server(_ context: UnsafeMutableRawPointer) -> FuseServer {
        Unmanaged<FuseServer>.fromOpaque(context).takeUnretainedValue()
    }

    private static func bytes(_ name: UnsafePointer<CChar>) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: name, count: strlen(name)))
    }

    private static func callbacks(_ context: UnsafeMutableRawPointer) -> rk_callbacks {
        rk_callbacks(
            context: context,
            lookup: { context, request, parent, name in
                let server = FuseSession.server(context)
                server.counters.count(.lookup)
                let name = FuseSession.bytes(name)
                server.serve(request, .lookup(parent: NodeNumber(rawValue: parent), name: name))
            },
            forget: { context, items, count in
                let server = FuseSession.server(context)
                server.counters.count(.forget, count)
                server.view.forget(
                    UnsafeBufferPointer(start: items, count: count).lazy.map {
                        (node: NodeNumber(rawValue: $0.node), count: $0.count)
                    }
                )
            },
            get_attributes: { context, request, node in
                let server = FuseSession.server(context)
                server.counters.count(.getattr)
                server.serve(request, .attributes(NodeNumber(rawValue: node)))
            },
            read_link: { context, request, node in
                let server = FuseSession.server(context)
                server.counters.count(.readlink)
                server.serve(request, .target(NodeNumber(rawValue: node)))
            },
            open: { context, request, _ in
                let server = FuseSession.server(context)
                server.counters.count(.open)
                server.open(request)
            },
            read: { context, request, node, offset, count in
                let server = FuseSession.server(context)
                server.counters.count(.read)
                server.serve(request, .read(NodeNumber(rawValue: node), offset: offset, count: count))
            },
            open_folder: { context, request, _ in
                let server = FuseSession.server(context)
                server.counters.count(.opendir)
                server.open(request)
            },
            read_folder: { context, request, node, offset, byteCount, withAttributes in
                let server = FuseSession.server(context)
                server.counters.count(.readdir)
                server.serve(
                    request,
                    .list(
                        NodeNumber(rawValue: node),
                        offset: offset,
                        byteCount: byteCount,
                        withAttributes: withAttributes != 0
                    )
                )
            },
            get_extended: { context, request, node, name, byteCount in
                let server = FuseSession.server(context)
                server.counters.count(.getxattr)
                let name = FuseSession.bytes(name)
                server.serve(
                    request,
                    .extended(NodeNumber(rawValue: node), name: name, byteCount: byteCount)
                )
            },
            list_extended: { context, request, node, byteCount in
                let server = FuseSession.server(context)
                server.counters.count(.listxattr)
                server.serve(request, .extendedNames(NodeNumber(rawValue: node), byteCount: byteCount))
            },
            statistics: { context, request in
                let server = FuseSession.server(context)
                server.counters.count(.statfs)
                server.serve(request, .statistics(since: MonotonicTime.milliseconds()))
            },
            refused: { context in FuseSession.server(context).counters.count(.refused) },
            refused_write: { context, node in
                FuseSession.server(context).refusedWrite(NodeNumber(rawValue: node))
            },
            interrupted: { context, data in
                FuseSession.server(context).interrupted(WaitingRequest.interrupted(data))
            }
        )
    }
}

/// Lends C strings for bytes without NUL.
private enum CStrings {
    static func with<R>(_ strings: [[UInt8]], _ body: (UnsafePointer<UnsafePointer<CChar>>) -> R) -> R {
        let copies = strings.map { string in
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: string.count + 1)
            for (index, byte) in string.enumerated() { copy[index] = CChar(bitPattern: byte) }
            copy[string.count] = 0
            return UnsafePointer(copy)
        }
        defer { for copy in copies { copy.deallocate() } }
        return copies.withUnsafeBufferPointer { body($0.baseAddress.unsafelyUnwrapped) }
    }
}

/// A session of libfuse.
struct FuseHandle: @unchecked Sendable {
    // libfuse locks what several threads use.
    let pointer: OpaquePointer
}
