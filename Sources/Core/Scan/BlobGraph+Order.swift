extension BlobGraph {
    /// All blobs that snapshots need, each once, behind everything that it refers to itself.
    ///
    /// A loop over the result sees what is below a blob before the blob. References make no circles, since nobody can
    /// make a blob that holds its own hash; should one come up, it is cut.
    func reachable(from snapshots: [ObjectID]) -> [Index] {
        var order: [Index] = []
        var isMet = [Bool](repeating: false, count: count)
        var stack: [(node: Index, rest: Cursor)] = []
        for id in snapshots {
            guard let root = find(id), !isMet[Int(root)] else { continue }
            isMet[Int(root)] = true
            stack.append((root, references(of: root)))
            while !stack.isEmpty {
                guard let (child, _) = next(&stack[stack.count - 1].rest) else {
                    order.append(stack.removeLast().node)
                    continue
                }
                if isMet[Int(child)] { continue }
                isMet[Int(child)] = true
                stack.append((child, references(of: child)))
            }
        }
        return order
    }
}
