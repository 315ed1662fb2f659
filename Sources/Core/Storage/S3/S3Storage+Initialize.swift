internal import Synchronization

/// The start of a repository.
extension S3Storage {
    /// Writes the objects of a new repository in order, none of them over another; see `Storage`.
    ///
    /// Nothing is deleted when it fails: the last object is what makes a repository.
    /// - Source: commands.md, 4.1.
    public func initialize(_ objects: [NewObject]) throws(RekkordError) {
        guard let last = objects.last else { return }
        let isAbsent = try proveAbsence(of: last.name)
        let isListed = try proveEmptiness(besides: objects.map(\.name))
        var isConditional = false
        for object in objects {
            if object.name == ReservedName.conditionalWriteProbe {
                isConditional = try probe(object)
                if !isConditional, !isAbsent, !isListed {
                    throw refusal("the server neither tells whether it is free nor keeps what is there")
                }
                if knowsNoConditions.load(ordering: .relaxed) { try replace(object) }
            } else {
                try create(object)
            }
        }
    }

    /// Whether a GET proves that an object is not there.
    private func proveAbsence(of name: String) throws(RekkordError) -> Bool {
        let action = S3Action(.read, name)
        let answer = try send(S3Client.Request(key: client.endpoint.key(of: name)), action)
        switch answer.status {
        case 200: throw refusal("already initialised")
        case 404 where answer.error?.code == "NoSuchBucket":
            throw RekkordError(
                .storage,
                "cannot initialise '\(displayURL)': no such bucket (404 NoSuchBucket)",
                hint: "create the bucket first"
            )
        case 404 where answer.error != nil: return true
        // Without the right to list, services answer so for what is not there.
        case 403 where answer.error?.code == "AccessDenied": return false
        default: throw action.error(answer)
        }
    }

    /// Whether a LIST proves that there is nothing, or nothing but what an earlier attempt left.
    private func proveEmptiness(besides names: [String]) throws(RekkordError) -> Bool {
        let page: S3Listing
        do {
            page = try listPage(prefix: "", count: 1)
        } catch {
            guard error.kind == .denied else { throw error }
            warn(error.message)
            return false
        }
        let isOurs = page.objects.allSatisfy { names.contains($0.name) } && !page.isTruncated
        guard page.objects.isEmpty || isOurs else { throw refusal("the place is not empty") }
        return true
    }

    /// Whether writing `object` twice proves that the server keeps what is there.
    private func probe(_ object: NewObject) throws(RekkordError) -> Bool {
        for _ in 0..<2 {
            let outcome = try object.bytes.withRawBytes { (bytes) throws(RekkordError) in
                try put(object.name, bytes, .create)
            }
            if outcome == .exists { return true }
        }
        return false
    }

    /// Where conditions were refused, the probe is not there yet.
    private func replace(_ object: NewObject) throws(RekkordError) {
        _ = try object.bytes.withRawBytes { (bytes) throws(RekkordError) in
            try put(object.name, bytes, .replace)
        }
    }

    private func create(_ object: NewObject) throws(RekkordError) {
        let result = try object.bytes.withRawBytes { (bytes) throws(RekkordError) in
            try write(object.name, bytes, .create)
        }
        switch result {
        case (.stored, isGuessed: false): return
        case (.exists, _): throw refusal("already initialised")
        case (.stored, isGuessed: true):
            // Somebody else may have been first while our answer was lost.
            let stored = try get(object.name, limit: object.bytes.count)
            guard stored.array == object.bytes else { throw refusal("already initialised") }
        }
    }

    private func refusal(_ reason: String) -> RekkordError {
        RekkordError(.exists, "cannot initialise '\(displayURL)': \(reason)")
    }
}
