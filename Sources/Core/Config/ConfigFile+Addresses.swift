internal import SystemPackage

extension ConfigFile.S3Address {
    /// Puts the location together from keys, and from the environment where they name no server.
    func resolve(_ environment: ProcessEnvironment) throws(FormatError) -> S3Location {
        let server = try server(environment)
        let (scheme, rest) =
            RepositoryURL.splitScheme(RepositoryURL.withoutS3Mark(server)) ?? ("https", server[...])
        guard scheme == "https" || scheme == "http" else {
            throw FormatError("unknown scheme '\(scheme)://' in Location of [S3]")
        }
        var names = rest.split(separator: "/").map(String.init)
        let host = names.first ?? ""
        if let bucket = bucket?.value {
            let isNamed = names.count > 1 || host.hasPrefix("\(bucket).s3.")
            if names.count > 1 { throw FormatError("Location in [S3] already names a bucket") }
            if !isNamed { names.append(bucket) }
        } else if names.count < 2, !host.drop(while: { $0 != "." }).hasPrefix(".s3.") {
            throw FormatError("S3 needs Bucket in [S3]")
        }
        if let prefix = prefix?.value { names.append(prefix) }
        return try RepositoryURL.s3(names.joined(separator: "/")[...], isSecure: scheme == "https")
    }

    private func server(_ environment: ProcessEnvironment) throws(FormatError) -> String {
        if let location {
            if host != nil || port != nil {
                throw FormatError("Location in [S3] stands for Host and Port, set one or the other")
            }
            return location.value
        }
        if let host { return HostText.join(host.value, port?.value) }
        if let text = environment.string("S3_LOCATION", "S3_ENDPOINT", "AWS_LOCATION", "AWS_ENDPOINT") {
            return text
        }
        throw FormatError("S3 needs Location or Host in [S3]")
    }
}

extension ConfigFile.SFTPAddress {
    /// Puts the location together from keys.
    func resolve() throws(FormatError) -> SFTPLocation {
        guard let location else {
            guard let host, let user, let path else {
                throw FormatError("SFTP needs Location, or Host, User and Path in [SFTP]")
            }
            let (name, embedded) = try HostText.parse(host.value)
            return SFTPLocation(user: user.value, host: name, port: port?.value ?? embedded, path: path.value)
        }
        if host != nil || port != nil || user != nil || path != nil {
            throw FormatError(
                "Location in [SFTP] stands for Host, Port, User and Path, set one or the others"
            )
        }
        let text = location.value
        guard case .location(.sftp(let parsed)) = try RepositoryURL(text, relativeTo: "/") else {
            throw FormatError("Location in [SFTP] looks like 'ssh://user@host/path' or 'user@host:path'")
        }
        return parsed
    }
}
