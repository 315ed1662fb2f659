/// Names what is done with which object, and turns refusals into errors that name both.
///
/// - Source: commands.md, section 9.
struct S3Action {
    enum Verb {
        case read, write, list, extendLock
    }

    let verb: Verb
    /// Relative to the repository; for a listing its prefix.
    let name: String
    /// Whether the request sets a lock.
    let isLocked: Bool

    init(_ verb: Verb, _ name: String, isLocked: Bool = false) {
        self.verb = verb
        self.name = name
        self.isLocked = isLocked
    }

    /// `cannot read 'x': reason`.
    func message(_ reason: String) -> String {
        let object = name.isEmpty ? "the repository" : "'\(PrintedName.escape(name.utf8))'"
        let action =
            switch verb {
            case .read: "read"
            case .write: "write"
            case .list: "list"
            case .extendLock: "extend the lock of"
            }
        return "cannot \(action) \(object): \(reason)"
    }

    /// The error for a request that got no answer.
    func error(_ failure: S3Client.Failure) -> RekkordError {
        let reason = failure.cause.reason
        switch failure.cause.kind {
        case .cancelled: return RekkordError(.interrupted, "interrupted")
        case .tooLarge: return RekkordError(.corrupted, message(reason))
        case .untrusted:
            return RekkordError(
                .storage,
                message(reason),
                hint: "if a private authority signs for the server, name its certificate by SSL_CERT_FILE"
            )
        case .refused, .notSent, .cutOff:
            return RekkordError(.storage, message(reason + Self.suffix(failure.attempts)))
        }
    }

    /// The error for an answer that is no success.
    func error(_ answer: S3Client.Answer) -> RekkordError {
        let code = answer.error?.code
        let shown = "(\(answer.status)\(code.map { " " + $0 } ?? ""))"
        switch answer.status {
        case 401, 403: return denied(code, shown)
        case 404 where code == "NoSuchBucket":
            return RekkordError(verb == .read ? .missing : .storage, message("no such bucket \(shown)"))
        case 404 where code != nil:
            return RekkordError(.missing, message("no such object \(shown)"))
        case 300..<400:
            return RekkordError(
                .storage,
                message("the server refers to another one \(shown)"),
                hint: "name the host of the bucket's region in the repository URL"
            )
        case 400 where isLocked && Self.isAboutLocks(code), 501 where isLocked:
            return RekkordError(
                .storage,
                message("object lock refused \(shown)"),
                hint: "enable Object Lock on the bucket, or remove RetainDuration"
            )
        case 408, 409, 429, 500...:
            return RekkordError(.storage, message("server error \(shown)" + Self.suffix(answer.attempts)))
        default:
            return RekkordError(.storage, message("request refused \(shown)"))
        }
    }

    private static func isAboutLocks(_ code: String?) -> Bool {
        switch code {
        case "InvalidRequest", "ObjectLockConfigurationNotFoundError", "NotImplemented": true
        default: false
        }
    }

    private static func suffix(_ attempts: Int) -> String {
        attempts > 1 ? " after \(attempts) attempts" : ""
    }

    private func denied(_ code: String?, _ shown: String) -> RekkordError {
        let hint =
            switch code {
            case "InvalidAccessKeyId": "check KeyID in [S3]"
            case "SignatureDoesNotMatch": "check SecretKey in [S3]"
            case "RequestTimeTooSkewed": "check the clock of this machine"
            default: rightsHint
            }
        // The lock of the object may be longer than asked for, which is refused in the same way.
        let reason = verb == .extendLock ? "access denied" : "access denied \(shown)"
        return RekkordError(.denied, message(reason), hint: hint)
    }

    private var rightsHint: String {
        switch verb {
        case .read where name.contains("/"): "allow s3:GetObject"
        case .read: "allow s3:GetObject, or run 'rekkord init' if there is no repository yet"
        case .write: isLocked ? "allow s3:PutObject and s3:PutObjectRetention" : "allow s3:PutObject"
        case .list: "allow s3:ListBucket"
        case .extendLock: "it may be longer already; allow s3:GetObjectRetention"
        }
    }
}
