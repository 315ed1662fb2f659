/// Knows how the objects of one bucket are addressed.
///
/// - Source: format.md, 12.1; commands.md, 2.5.
struct S3Endpoint {
    let location: S3Location
    /// The host with its port, unless that is the scheme's own; the value of the header `host`.
    let host: String

    init(_ location: S3Location) {
        self.location = location
        let usualPort = location.isSecure ? 443 : 80
        host = HostText.join(location.host, location.port == usualPort ? nil : location.port)
    }

    /// The full key of an object, the prefix included.
    func key(of name: String) -> String {
        location.prefix.isEmpty ? name : "\(location.prefix)/\(name)"
    }

    /// The encoded path of a full key; an empty key is the bucket.
    func path(ofKey key: String) -> String {
        let bucket = location.isVirtualHost ? "/" : "/\(PercentEncoding.path(location.bucket))"
        if key.isEmpty { return bucket }
        return (location.isVirtualHost ? bucket : bucket + "/") + PercentEncoding.path(key)
    }

    /// The URL of a path and a query.
    func url(path: String, query: [(name: String, value: String?)] = []) -> String {
        let pairs = query.map { name, value in
            PercentEncoding.query(name) + (value.map { "=" + PercentEncoding.query($0) } ?? "")
        }
        let suffix = pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
        return "\(location.isSecure ? "https" : "http")://\(host)\(path)\(suffix)"
    }

    /// The region that the host names: what stands first after `s3.`, when at least two dots follow.
    var region: String? {
        let labels = location.host.split(separator: ".", omittingEmptySubsequences: false)
        guard let index = labels.firstIndex(of: "s3"), index <= (location.isVirtualHost ? 1 : 0) else {
            return nil
        }
        let rest = labels[(index + 1)...]
        guard rest.count >= 3, let first = rest.first, !first.isEmpty else { return nil }
        return String(first)
    }
}
